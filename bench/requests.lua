-- wrk's side of the bench: sends the prepared requests in turn (256 bearer tokens), and says what happened as one line of JSON.
-- The file is the same that client.c reads: each request is its length as a decimal line, then its bytes.
local requests, at = {}, 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  local length = file:read('*n')
  while length do
    file:read(1)
    requests[#requests + 1] = file:read(length)
    length = file:read('*n')
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"completed":%d,"failed":%d,"seconds":%.6f}\n', summary.requests, failed, summary.duration / 1e6))
end
