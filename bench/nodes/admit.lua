-- Every request asks for a recording that nobody asked for before. PORTS: whom the threads ask, in turn; FIRST: the number of
-- the first recording; PATHS: what comes before and after its name; FIELDS: more header fields.
local ports, threads = {}, 0
for port in os.getenv("PORTS"):gmatch("%d+") do ports[#ports + 1] = port end

function setup(thread)
  thread.addr = wrk.lookup("127.0.0.1", ports[threads % #ports + 1])[1]
  thread:set("mine", threads)
  thread:set("of", tonumber(os.getenv("THREADS")))
  threads = threads + 1
end

local n, asked
function init()
  n = tonumber(os.getenv("FIRST")) + mine
  local before, after = os.getenv("PATHS"):match("^(.*) (.*)$")
  local fields = os.getenv("FIELDS"):gsub("|", "\r\n")
  asked = "GET " .. before .. "CA%04x%04x" .. after .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n" .. fields .. "\r\n"
end

-- n * 2654435761 modulo 2^32, as filled.py has it: numbers that follow each other lie far apart.
function request()
  local low = n * 31153
  local high = (n * 40503 + math.floor(low / 65536)) % 65536
  n = n + of
  return asked:format(high, low % 65536)
end
