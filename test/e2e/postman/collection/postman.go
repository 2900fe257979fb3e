package main

import "strings"

// The parts of Postman's format, Collection v2.1, that the collection uses.
type (
	collection struct {
		Info     info    `json:"info"`
		Item     []item  `json:"item"`
		Event    []event `json:"event"`
		Variable []pair  `json:"variable"`
	}
	info struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Schema      string `json:"schema"`
	}
	// item is a folder, which has items, or a request.
	item struct {
		Name        string   `json:"name"`
		Description string   `json:"description,omitempty"`
		Item        []item   `json:"item,omitempty"`
		Event       []event  `json:"event,omitempty"`
		Request     *request `json:"request,omitempty"`
	}
	event struct {
		Listen string `json:"listen"`
		Script source `json:"script"`
	}
	source struct {
		Type string   `json:"type"`
		Exec []string `json:"exec"`
	}
	request struct {
		Method string `json:"method"`
		Header []pair `json:"header"`
		URL    url    `json:"url"`
	}
	url struct {
		Raw   string   `json:"raw"`
		Host  []string `json:"host"`
		Path  []string `json:"path"`
		Query []pair   `json:"query,omitempty"`
	}
	pair struct {
		Key         string `json:"key"`
		Value       string `json:"value"`
		Description string `json:"description,omitempty"`
	}
)

// before and after are the events in which a script runs before a request is sent and after it was answered.
func before(script []string) []event { return listen("prerequest", script) }
func after(script []string) []event  { return listen("test", script) }

func listen(to string, script []string) []event {
	return []event{{Listen: to, Script: source{Type: "text/javascript", Exec: script}}}
}

// get is a GET of target at the base URL that a variable holds, with the script that runs after it.
func get(name, base, target string, script []string) item {
	return item{
		Name: name, Event: after(script),
		Request: &request{Method: "GET", Header: []pair{}, URL: parse("{{"+base+"}}", target)},
	}
}

// with gives a request another method and headers.
func (i item) with(method string, headers ...pair) item {
	i.Request.Method = method
	i.Request.Header = append(i.Request.Header, headers...)
	return i
}

// parse takes target apart as Postman does: it shows the parts and sends them, not the whole.
func parse(base, target string) url {
	path, query, hasQuery := strings.Cut(target, "?")
	u := url{Raw: base + target, Host: []string{base}, Path: strings.Split(strings.TrimPrefix(path, "/"), "/")}
	if hasQuery {
		for parameter := range strings.SplitSeq(query, "&") {
			key, value, _ := strings.Cut(parameter, "=")
			u.Query = append(u.Query, pair{Key: key, Value: value})
		}
	}
	return u
}
