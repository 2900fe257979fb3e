-- Gets a file and posts a small body in turn, and prints what went wrong as wrk counted it.
local count = 0
local base

function init()
	base = wrk.path
end

function request()
	count = count + 1
	if count % 2 == 0 then
		return wrk.format("POST", base .. "/echo", { ["Content-Type"] = "text/plain" }, "hello")
	end
	return wrk.format("GET", base .. "/text.txt", { ["Accept-Encoding"] = "gzip" })
end

function done(summary)
	local e = summary.errors
	io.write(string.format("%d requests, %d errors\n", summary.requests, e.connect + e.read + e.write + e.status + e.timeout))
end
