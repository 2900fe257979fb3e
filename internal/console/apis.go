package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/go-openapi/spec"
)

// API is an API of the file, as the document shows it. No secret may be in it.
type API struct {
	Name string
	// Example is a path and query of the API. It begins with a slash.
	Example    string
	Operations []Operation
}

// Operation is a method that the path of an API's example has.
type Operation struct {
	Method              string
	Timeout, MaxTimeout time.Duration
	Strategy            string
}

// equal tells whether two lists of APIs make the same document.
func equal(a, b []API) bool { return reflect.DeepEqual(a, b) }

const proxyTag = "proxy"

// proxyProblem is a status that a call to an API of the file may end with.
type proxyProblem struct {
	status      int
	definition  string
	description string
	sent        bool // attempts may have been made
}

var proxyProblems = []proxyProblem{
	{400, "InvalidRequest", "The path, the query, a control header or the body is not as it has to be. Nothing was sent", false},
	{404, "UnknownAPI", "The file names no such API. Nothing was sent. An API's own 404 is passed on", false},
	{405, "OtherMethod", "The API does not have this method; see the header Allow. Nothing was sent", false},
	{408, "SlowBody", "The body has not come within the timeout. Nothing was sent", false},
	{413, "LargeBody", "The body is larger than `max_request_body`. Nothing was sent", false},
	{502, "AllFailed", "All attempts failed, and none with an answer that could be passed on", true},
	{503, "Refused", "Overload: more calls than can be answered in time, or more bodies than can be held; or the quota is used up. See the header Retry-After", true},
	{504, "TimedOut", "No answer at the timeout", true},
	{508, "Loop", "The request has come through this service before. Nothing was sent", false},
}

// addAPIs adds the APIs of the file to the document.
func addAPIs(d *spec.Swagger, s Settings, apis []API) error {
	d.Tags = append(d.Tags, spec.NewTag(proxyTag, "The APIs of the file. What stands behind an API's name goes on as it is typed, slashes and query "+
		"included; `..` and `#` alone a browser keeps to itself", nil))
	for _, problem := range proxyProblems {
		if _, ok := d.Definitions[problem.definition]; ok {
			continue // as in the challenge's API
		}
		definition, err := problem.define(d.Definitions["Refused"], s.Details[problem.status])
		if err != nil {
			return err
		}
		d.Definitions[problem.definition] = definition
	}
	for _, api := range apis {
		var item spec.PathItem
		for _, o := range api.Operations {
			if set, ok := setters[o.Method]; ok {
				set(&item, o.describe(api, s.Strategies))
			}
		}
		d.Paths.Paths["/proxy/"+api.Name+"/{path}"] = item
	}
	return nil
}

// setters are the methods that Swagger 2.0 can describe.
var setters = map[string]func(*spec.PathItem, *spec.Operation){
	http.MethodGet:     func(i *spec.PathItem, o *spec.Operation) { i.Get = o },
	http.MethodHead:    func(i *spec.PathItem, o *spec.Operation) { i.Head = o },
	http.MethodPost:    func(i *spec.PathItem, o *spec.Operation) { i.Post = o },
	http.MethodPut:     func(i *spec.PathItem, o *spec.Operation) { i.Put = o },
	http.MethodPatch:   func(i *spec.PathItem, o *spec.Operation) { i.Patch = o },
	http.MethodDelete:  func(i *spec.PathItem, o *spec.Operation) { i.Delete = o },
	http.MethodOptions: func(i *spec.PathItem, o *spec.Operation) { i.Options = o },
}

// define returns the schema of a problem, made from that of another one with the same members.
func (p proxyProblem) define(like spec.Schema, detail string) (spec.Schema, error) {
	var schema spec.Schema
	text, err := json.Marshal(like) // a copy, because maps are shared otherwise
	if err != nil {
		return schema, err
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		return schema, err
	}
	for member, example := range map[string]any{"title": http.StatusText(p.status), "status": p.status, "detail": detail, "error": detail} {
		property := schema.Properties[member]
		schema.Properties[member] = *property.WithExample(example)
	}
	return schema, nil
}

// describe returns an operation of an API for the document.
func (o Operation) describe(api API, strategies []string) *spec.Operation {
	op := spec.NewOperation("").WithTags(proxyTag).
		WithSummary(fmt.Sprintf("/proxy/%s%s", api.Name, api.Example)).
		WithDescription(fmt.Sprintf("Calls the API `%s` of the file. Without the control headers the timeout is %d ms and the strategy `%s`.",
			api.Name, o.Timeout.Milliseconds(), o.Strategy)).
		WithProduces("*/*")
	path := spec.PathParam("path").Typed("string", "").WithDescription(
		"Path and query behind `/proxy/" + api.Name + "`, as the API is to get them")
	path.AddExtension("x-example", api.Example)
	timeout := spec.HeaderParam("Hedgerow-Timeout").AsOptional().Typed("integer", "").
		WithMinimum(1, false).WithMaximum(float64(o.MaxTimeout.Milliseconds()), false).
		WithDescription("Time for the answer in milliseconds")
	timeout.AddExtension("x-example", o.Timeout.Milliseconds())
	strategy := spec.HeaderParam("Hedgerow-Strategy").AsOptional().Typed("string", "").WithDescription("What to fire and what to answer").
		WithDefault(o.Strategy)
	for _, name := range strategies {
		strategy.Enum = append(strategy.Enum, name)
	}
	op.Parameters = append(op.Parameters, *path, *timeout, *strategy)
	if hasBody(o.Method) {
		body := spec.BodyParam("body", new(spec.Schema).Typed("string", "")).WithDescription("Goes on as it is typed")
		op.Parameters = append(op.Parameters, *body)
		op.Consumes = []string{"application/json", "text/plain", "application/x-www-form-urlencoded", "application/xml"}
	}
	op.Responses = responses()
	return op
}

func hasBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// responses are the answers of a call to an API of the file.
func responses() *spec.Responses {
	const (
		requests = "Requests that had been sent to the API by then"
		timing   = "One entry for each attempt, sent or refused, behind the API's own: its outcome, how long it ran in milliseconds, and why it was refused"
		id       = "The request's id, as in the log"
		retry    = "Seconds to wait"
	)
	header := func(kind, description string) *spec.Header {
		return spec.ResponseHeader().Typed(kind, "").WithDescription(description)
	}
	r := &spec.Responses{}
	r.Default = spec.NewResponse().WithDescription("Whatever the API answers: by `smart` and `first` its status, headers and body as they are; by `all` and "+
		"`within-timeout` 200 and an array of the attempts' answers, in order of arrival").
		AddHeader("Hedgerow-Requests", header("integer", requests)).
		AddHeader("Server-Timing", header("string", timing)).AddHeader("X-Request-Id", header("string", id))
	r.StatusCodeResponses = map[int]spec.Response{}
	for _, problem := range proxyProblems {
		response := spec.NewResponse().WithDescription(problem.description).
			WithSchema(spec.RefSchema("#/definitions/"+problem.definition)).AddHeader("X-Request-Id", header("string", id))
		switch problem.status {
		case http.StatusServiceUnavailable:
			response.AddHeader("Retry-After", header("integer", retry))
		case http.StatusMethodNotAllowed:
			response.AddHeader("Allow", header("string", "The methods that the path has"))
		}
		if problem.sent {
			response.AddHeader("Hedgerow-Requests", header("integer", requests)).AddHeader("Server-Timing", header("string", timing))
		}
		r.StatusCodeResponses[problem.status] = *response
	}
	return r
}
