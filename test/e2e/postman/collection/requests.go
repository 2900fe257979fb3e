package main

import "strings"

const (
	asked = "?timeout={{timeout}}"
	// tooShort is a timeout in which no upstream answers: the testing server takes at least 100 ms.
	tooShort = "?timeout=1"
)

// everyDeployment are the requests that every deployment with a working upstream answers as documented.
func everyDeployment() item {
	return item{
		Name:        "Every deployment",
		Description: "What every deployment answers when its upstream works and takes longer than 1 ms. All of it can run against baseUrl.",
		Item: []item{
			strategy("/api/all", "Every success, when all three attempts have ended.",
				get("200: the successes", "baseUrl", "/api/all"+asked, success("there are 1 to 3 successes", someOf(1))),
				timedOut("504: an attempt was still running at the timeout", "/api/all")),
			strategy("/api/first", "The first success of three attempts.",
				get("200: the first success", "baseUrl", "/api/first"+asked, success("it is one success", oneTime)),
				timedOut("504: no success at the timeout", "/api/first")),
			strategy("/api/within-timeout", "The successes so far at the timeout.",
				get("200: the successes, maybe none", "baseUrl", "/api/within-timeout"+asked, ok("there are at most 3 successes", someOf(0))),
				get("200: none yet at the timeout", "baseUrl", "/api/within-timeout"+tooShort, ok("there is no success", none))),
			strategy("/api/smart", "One attempt, and two more when it is slow or fails.",
				get("200: the first success", "baseUrl", "/api/smart"+asked, success("it is one success", oneTime)),
				timedOut("504: no success at the timeout", "/api/smart")),
			proxy(),
			{Name: "GET /livez", Item: []item{healthy("200: the process is alive", "baseUrl", "/livez")}},
			{Name: "GET /readyz", Item: []item{healthy("200: the process may get calls", "baseUrl", "/readyz")}},
			elsewhere(),
		},
	}
}

// strategy is the folder of an endpoint: some requests, and every way to get the timeout wrong.
func strategy(path, description string, requests ...item) item {
	for _, wrong := range []struct{ fault, name, query string }{
		{"is missing", "", ""},
		{"is empty", "", "?timeout="},
		{"is repeated", "", asked + strings.Replace(asked, "?", "&", 1)},
		{"is not a whole number", "", "?timeout=1.5"},
		{"is out of range", " (too small)", "?timeout=0"},
		{"is out of range", " (too large)", "?timeout=60001"},
		{"stands in a query that does not parse", "", "?timeout=%zz"},
	} {
		requests = append(requests,
			get("400: the timeout "+wrong.fault+wrong.name, "baseUrl", path+wrong.query, script("invalid_timeout", "__FAULT__", wrong.fault)))
	}
	return item{Name: "GET " + path, Description: description, Item: requests}
}

func timedOut(name, path string) item {
	return get(name, "baseUrl", path+tooShort, script("timed_out"))
}

func healthy(name, base, path string) item {
	return get(name, base, path, ok("it says so", "pm.expect(pm.response.json()).to.include({ status: 'ok' });"))
}

// proxy is the folder of an API of the file: the testing server, as deploy/apis.yaml names it.
func proxy() item {
	const api = "/proxy/testing/api/work"
	allow := "pm.expect(pm.response.headers.get('Allow')).to.equal('GET, HEAD, OPTIONS');"
	inTime := pair{Key: "Hedgerow-Timeout", Value: "{{timeout}}"}
	own := func(timeout, strategy string) []pair {
		return []pair{{Key: "Hedgerow-Timeout", Value: timeout}, {Key: "Hedgerow-Strategy", Value: strategy}}
	}
	refusal := func(name, header, value, fault string) item {
		return get("400: "+name, "baseUrl", api, status(400, "it names the header and its fault",
			"pm.expect(pm.response.json().detail).to.include('header "+header+" "+fault+": ');")).with("GET", pair{Key: header, Value: value})
	}
	return item{
		Name: "ANY /proxy/{api}/{path}",
		Description: "An API of the file. Path and query go on as they are; our own controls are the headers Hedgerow-Timeout (milliseconds) and " +
			"Hedgerow-Strategy. The API is the testing server, by the name `testing` of deploy/apis.yaml.",
		Item: []item{
			get("200: the API's own answer", "baseUrl", api, passedOn("it is the body of the API, and tells how many requests were sent",
				oneTime+"\n    pm.expect(Number(pm.response.headers.get('Hedgerow-Requests'))).to.be.within(1, 3);")).with("GET", inTime),
			get("200: path and query as they came", "baseUrl", api+"?a=/b&c=", passedOn("it is the body of the API", oneTime)).with("GET", inTime),
			get("200: an array of the API's answers", "baseUrl", api,
				ok("there are at most 3 answers, in order of arrival", someOf(0))).with("GET", own("{{timeout}}", "within-timeout")...),
			get("504: no answer at the timeout", "baseUrl", api, script("timed_out")).with("GET", own("1", "first")...),
			refusal("the timeout is not a whole number", "Hedgerow-Timeout", "1.5", "is not a whole number"),
			refusal("the timeout is out of range (too small)", "Hedgerow-Timeout", "0", "is out of range"),
			refusal("the timeout is out of range (too large)", "Hedgerow-Timeout", "86400001", "is out of range"),
			refusal("there is no such strategy", "Hedgerow-Strategy", "fastest", "is not the name of a strategy"),
			get("404: the file names no such API", "baseUrl", "/proxy/none/api/work", status(404, "it says so",
				"pm.expect(pm.response.json().detail).to.include('names no API');")),
			get("405: the API does not have this method", "baseUrl", api, status(405, "it lists the methods of the API", allow)).with("DELETE"),
			get("204: the methods of the API", "baseUrl", api, status(204, "it lists the methods of the API", allow)).with("OPTIONS"),
		},
	}
}

// elsewhere is the folder of what the API does not have.
func elsewhere() item {
	allow := "pm.expect(pm.response.headers.get('Allow')).to.equal('GET, HEAD, OPTIONS');"
	pointer := "pm.expect(pm.response.json().detail).to.include('the API\\'s console is at /');"
	return item{
		Name:        "Other paths and methods",
		Description: "Errors have one form everywhere, and no page of another origin may call the API.",
		Item: []item{
			get("404: there is nothing at this path", "baseUrl", "/api/none", status(404, "it says where to look", pointer)),
			get("404: a slash at the end is another path", "baseUrl", "/api/first/", status(404, "it says where to look", pointer)),
			get("405: this path does not have this method", "baseUrl", "/api/first"+asked,
				status(405, "it lists the methods of the path", allow)).with("POST"),
			get("204: the methods of the path, and nothing for pages of other origins", "baseUrl", "/api/first",
				status(204, "it lists the methods of the path", allow)).with("OPTIONS",
				pair{Key: "Origin", Value: "https://example.com"}, pair{Key: "Access-Control-Request-Method", Value: "GET"}),
		},
	}
}

// inTrouble are the requests that need a service in a certain state. Each folder has a base URL of its own for it.
func inTrouble() item {
	return item{
		Name: "A service in trouble",
		Description: "Statuses that a healthy deployment never gives. Each folder has a base URL of its own, and its description says how to start a " +
			"service for it. Without that service its requests fail, so nothing is left out unnoticed.",
		Item: []item{
			needs("failingUrl", "every attempt fails",
				"    HEDGEROW_ADDR=:5010 HEDGEROW_ADMIN_ADDR= HEDGEROW_TESTSERVER_FAIL=1 hedgerow",
				get("502 of all: all three attempts failed", "failingUrl", "/api/all"+asked, script("all_failed")),
				get("502 of first: all three attempts failed", "failingUrl", "/api/first"+asked, script("all_failed")),
				get("200 of within-timeout: no success", "failingUrl", "/api/within-timeout"+asked, ok("there is no success", none)),
				get("502 of smart: all attempts failed", "failingUrl", "/api/smart"+asked, script("all_failed"))),
			needs("overloadedUrl", "no room for another attempt",
				"    HEDGEROW_ADDR=:5020 HEDGEROW_ADMIN_ADDR= HEDGEROW_MAX_IN_FLIGHT=3 HEDGEROW_TESTSERVER_HANG=1 HEDGEROW_TESTSERVER_FAIL=0 hedgerow\n"+
					"    curl 'http://localhost:5020/api/all?timeout=60000'   # takes all the room while it runs",
				refused("all"), refused("first"), refused("within-timeout"), refused("smart"),
				healthy("200 of livez: busy is alive", "overloadedUrl", "/livez"),
				healthy("200 of readyz: busy is ready", "overloadedUrl", "/readyz")),
			needs("stoppingUrl", "told to stop",
				"    HEDGEROW_ADDR=:5030 HEDGEROW_ADMIN_ADDR= HEDGEROW_SHUTDOWN_DELAY=10m hedgerow   # then press ^C once: it answers until the delay is over",
				get("503 of readyz: the process must not get calls", "stoppingUrl", "/readyz", script("refused", "__DETAIL__", "shutting down")),
				healthy("200 of livez: the process is still alive", "stoppingUrl", "/livez"),
				get("200 of within-timeout: calls are still answered", "stoppingUrl", "/api/within-timeout"+asked,
					ok("there are at most 3 successes", someOf(0)))),
		},
	}
}

// needs is a folder for a service whose URL is in a variable.
func needs(variable, state, command string, requests ...item) item {
	return item{
		Name:        variable + ": " + state,
		Description: "Needs the variable `" + variable + "`: the base URL of a service in this state, for example of\n\n" + command,
		Event:       before(script("needs_service", "__VARIABLE__", variable)),
		Item:        requests,
	}
}

func refused(strategy string) item {
	return get("503 of "+strategy+": more calls than it has room for", "overloadedUrl", "/api/"+strategy+asked,
		script("refused", "__DETAIL__", "more calls than can be answered in time, try again later"))
}
