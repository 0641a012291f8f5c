-- Every request asks for a recording that nobody asked for before. PORTS: whom the threads ask, in turn; FIRST: the number of
-- the first request; STRIDE: from one request's recording to the next one's; COLD: how many recordings there are to ask for, and
-- ALREADY those before them; PATHS: what comes before and after a name; FIELDS: more header fields.
local ports, threads = {}, 0
for port in os.getenv("PORTS"):gmatch("%d+") do ports[#ports + 1] = port end

function setup(thread)
  thread.addr = wrk.lookup("127.0.0.1", ports[threads % #ports + 1])[1]
  thread:set("mine", threads)
  thread:set("of", tonumber(os.getenv("THREADS")))
  threads = threads + 1
end

local n, asked, cold, already, stride
function init()
  n = tonumber(os.getenv("FIRST")) + mine
  stride = tonumber(os.getenv("STRIDE"))
  cold, already = tonumber(os.getenv("COLD")), tonumber(os.getenv("ALREADY"))
  local before, after = os.getenv("PATHS"):match("^(.*) (.*)$")
  local fields = os.getenv("FIELDS"):gsub("|", "\r\n")
  asked = "GET " .. before .. "CA%04x%04x" .. after .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n" .. fields .. "\r\n"
end

-- i * 2654435761 modulo 2^32, as filled.py has it.
function request()
  local i = already + n * stride % cold
  local low = i * 31153
  local high = (i * 40503 + math.floor(low / 65536)) % 65536
  n = n + of
  return asked:format(high, low % 65536)
end
