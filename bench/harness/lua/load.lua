-- What wrk sends, chosen by the first argument behind `--`, and how it reports: one line of JSON.
-- Only pipelining defines `request`; without it wrk makes the bytes once and sends them again and again.

local PIPELINED = 16

local BROWSER = {
  ["Accept"] = "application/json, text/plain, */*",
  ["Accept-Encoding"] = "gzip, deflate, br, zstd",
  ["Accept-Language"] = "en-GB,en;q=0.9,de;q=0.8",
  ["Cache-Control"] = "no-cache",
  ["Content-Type"] = "application/json",
  ["Cookie"] = "session=4f9c2f0e7b1d4c8e9a6b; theme=dark; consent=necessary",
  ["Origin"] = "http://localhost",
  ["Referer"] = "http://localhost/shop/stationery?page=3",
  ["Sec-Fetch-Dest"] = "empty",
  ["Sec-Fetch-Mode"] = "cors",
  ["Sec-Fetch-Site"] = "same-origin",
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}

local modes = {}

modes["keep-alive"] = function() end

modes["close"] = function()
  wrk.headers["Connection"] = "close"
end

modes["pipelining"] = function()
  local batch = string.rep(wrk.format("GET", "/"), PIPELINED)
  request = function() return batch end
end

-- The path and the body are the second and third argument: the contract of the servers has them.
modes["realistic"] = function(args)
  wrk.method = "POST"
  wrk.path = args[2]
  wrk.body = args[3]
  for name, value in pairs(BROWSER) do
    wrk.headers[name] = value
  end
end

modes["download"] = function()
  wrk.path = "/download"
end

modes["upload"] = function()
  wrk.method = "POST"
  wrk.path = "/upload"
  wrk.headers["Content-Type"] = "application/octet-stream"
  wrk.body = string.rep("u", 1024 * 1024)
end

modes["stream"] = function()
  wrk.path = "/stream"
end

-- A path, and a header that may be empty.
modes["get"] = function(args)
  wrk.path = args[2]
  local name, value = string.match(args[3] or "", "^([^:]+): (.*)$")
  if name then
    wrk.headers[name] = value
  end
end

-- The URL is number 0.
function init(args)
  local mode = modes[args[1]]
  if not mode then
    error("unknown mode: " .. tostring(args[1]))
  end
  mode(args)
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"bytes":%d,"connect_errors":%d,"read_errors":%d,"write_errors":%d,'
      .. '"status_errors":%d,"timeouts":%d,"mean":%.1f,"p50":%.1f,"p99":%.1f,"p999":%.1f,"max":%.1f}\n',
    summary.requests, summary.duration, summary.bytes, errors.connect, errors.read, errors.write,
    errors.status, errors.timeout, latency.mean, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), latency.max
  ))
end
