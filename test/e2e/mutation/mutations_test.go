package mutation

var mutations = []mutation{
	{
		"any status of 2xx is a success", "upstream/client.go",
		"if response.StatusCode != http.StatusOK {", "if response.StatusCode/100 != 2 {",
	},
	{
		"a body over the limit is a body", "upstream/body.go",
		"int64(len(text)) > limit", "int64(len(text)) > 2*limit",
	},
	{
		"a body of unknown length over the limit is cut, not refused", "upstream/body.go",
		"io.LimitReader(response.Body, limit+1)", "io.LimitReader(response.Body, limit)",
	},
	{
		"a gzip bomb is cut, not refused", "upstream/body.go",
		"io.LimitReader(unzipped, limit+1)", "io.LimitReader(unzipped, limit)",
	},
	{
		"a time in quotes is an integer", "upstream/body.go",
		"strconv.ParseInt(string(value), 10, 64)", "strconv.ParseInt(strings.Trim(string(value), `\"`), 10, 64)",
	},
	{
		"a repeated timeout counts once", "http/timeout.go",
		"case len(values) > 1:", "case len(values) > 9:",
	},
	{
		"a timeout over the maximum is clamped", "http/timeout.go",
		"return 0, \"is out of range\"", "return maximum, \"\"",
	},
	{
		"a query that does not parse is read as far as it does", "http/timeout.go",
		"	if err != nil {\n		return 0, &timeoutError{\"stands in a query", "	if err != nil && query == nil {\n		return 0, &timeoutError{\"stands in a query",
	},
}
