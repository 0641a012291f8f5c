#include "run/resume_note.hpp"

#include <gtest/gtest.h>

namespace onetake::run {
namespace {

ResumeNote full() {
  return {.version = 7,
          .last_modified = WallTime{milliseconds{1'795'339'800'123}},
          .total = 123'456'789'012,
          .validator = "\"an etag = with \\ odd letters\"",
          .variant = "https://media.example.com/1.wav?one two=2",
          .digests = {{.algorithm = Digest::Algorithm::md5, .bytes = std::string("\0\n\xff", 3)},
                      {.algorithm = Digest::Algorithm::sha512, .bytes = "abc"}}};
}

TEST(ResumeNote, SaysTheSameAgain) {
  EXPECT_EQ(resume_note_of(text_of(full())), full());
  const ResumeNote least{.version = 1, .last_modified = {}, .total = {}, .validator = {}, .variant = {}, .digests = {}};
  EXPECT_EQ(resume_note_of(text_of(least)), least);
}

TEST(ResumeNote, WhatIsNoneIsNotRead) {
  for (const auto* const text : {"", "version", "version x\n", "version 0\n", "total 5\n", "version 1\ntotal -5\n",
                                 "version 1\ndigest 9 00\n", "version 1\ndigest 0 0\n", "version 1\nwhat 1\n"})
    EXPECT_FALSE(resume_note_of(text)) << text;
}

}  // namespace
}  // namespace onetake::run
