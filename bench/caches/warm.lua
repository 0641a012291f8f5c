-- wrk script: warm.lua full|range PATHS: takes turns among the paths of a file, whole or by 64 KiB ranges of 2,000,000 bytes.
-- Requests are made before the clock runs.
local requests, at = {}, 0

function init(args)
  local index = 0
  for path in io.lines(args[2]) do
    if args[1] == "full" then
      requests[#requests + 1] = wrk.format("GET", path)
    else
      for k = 0, 29 do
        local first = ((k * 7 + index * 3) % 30) * 65536
        requests[#requests + 1] = wrk.format("GET", path, { Range = "bytes=" .. first .. "-" .. (first + 65535) })
      end
    end
    index = index + 1
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  print("OK_REQ " .. summary.requests)
  print("OK_BYTES " .. summary.bytes)
  print("NON2XX " .. summary.errors.status)
end
