#include "ledger/utf8.hpp"

#include <gtest/gtest.h>

namespace onetake::ledger {
namespace {

TEST(Utf8, TextIsWellFormedAndHasNoNul) {
  for (const std::string text : {"", "CA1", "דנה", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"})
    EXPECT_TRUE(is_text(text)) << text;
  for (const std::string bytes :
       {"\xff", "a\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"})
    EXPECT_FALSE(is_text(bytes));
  EXPECT_FALSE(is_text(std::string(1, '\0')));
}

TEST(Utf8, WhatIsNoneIsMadeText) {
  EXPECT_EQ(made_text("דנה"), "דנה");
  EXPECT_EQ(made_text("a\xff b\xc3"), "a? b?");
  EXPECT_EQ(made_text(std::string("a\0b", 3)), "a?b");
}

TEST(Utf8, PastAPrefixIsTheNextText) {
  EXPECT_EQ(past("CA"), "CB");
  EXPECT_EQ(past("a\x7f"), "a\u0080");
  EXPECT_EQ(past("ד"), "ה");
  EXPECT_EQ(past("\u07ff"), "\u0800");
  EXPECT_EQ(past("\ud7ff"), "\ue000") << "surrogates are no characters";
  EXPECT_EQ(past("a\xf4\x8f\xbf\xbf"), "b") << "there is no character after the last";
  EXPECT_EQ(past("\xf4\x8f\xbf\xbf"), "");
  EXPECT_EQ(past(""), "");
}

}  // namespace
}  // namespace onetake::ledger
