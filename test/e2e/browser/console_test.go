package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// steady makes the built-in testing server answer fast and never fail.
var steady = []string{"HEDGEROW_TESTSERVER_MIN=7ms", "HEDGEROW_TESTSERVER_MAX=7ms", "HEDGEROW_TESTSERVER_FAIL=0"}

var endpoints = map[string]string{ // name to answer
	"all":            `[{"time":7},{"time":7},{"time":7}]`,
	"first":          `{"time":7}`,
	"within-timeout": `[{"time":7},{"time":7},{"time":7}]`,
	"smart":          `{"time":7}`,
}

// openConsole loads the console and waits until it shows the API.
func (b *tab) openConsole(origin string) {
	b.t.Helper()
	b.run(chromedp.Navigate(origin+"/"), chromedp.WaitVisible(block("all")))
}

// block selects the part of the console that belongs to an endpoint.
func block(endpoint string) string {
	return "#operations-strategies-get_api_" + strings.ReplaceAll(endpoint, "-", "_")
}

// tryOut opens an endpoint for trying it out.
func (b *tab) tryOut(endpoint string) {
	b.t.Helper()
	b.run(chromedp.Click(block(endpoint)+" .opblock-summary"), chromedp.Click(block(endpoint)+" .try-out__btn"),
		chromedp.WaitVisible(block(endpoint)+" .execute"))
}

// setTimeout replaces the timeout that stands in the form, by the keyboard.
func (b *tab) setTimeout(endpoint, timeout string) {
	b.t.Helper()
	input := block(endpoint) + " .parameters input"
	if timeout == "" {
		timeout = kb.Delete
	}
	b.run(chromedp.WaitVisible(input), chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).select()", input), nil),
		chromedp.SendKeys(input, timeout))
}

// shown is what the console shows of an executed call.
type shown struct{ curl, url, status, body string }

// execute presses the button and returns what is shown then.
func (b *tab) execute(endpoint string) shown {
	b.t.Helper()
	var s shown
	answer := block(endpoint) + " .live-responses-table"
	seldom := chromedp.RetryInterval(100 * time.Millisecond) // looking more often slows the page, and the call that it times
	b.run(chromedp.Click(block(endpoint)+" .execute"),
		chromedp.WaitVisible(answer+" .response-col_status", seldom),
		chromedp.Text(block(endpoint)+" .curl-command .curl", &s.curl),
		chromedp.Text(block(endpoint)+" .request-url .microlight", &s.url),
		chromedp.Text(answer+" tbody .response-col_status", &s.status),
		chromedp.Text(answer+" .highlight-code code", &s.body))
	s.status, _, _ = strings.Cut(s.status, "\n")
	b.assertContract()
	return s
}

// clear takes the executed call away.
func (b *tab) clear(endpoint string) {
	b.t.Helper()
	b.run(chromedp.Click(block(endpoint)+" .btn-clear"), chromedp.WaitNotPresent(block(endpoint)+" .live-responses-table"))
}

func port(h *harness.Hedgerow) string { return h.Addr[strings.LastIndex(h.Addr, ":"):] }

func TestEveryEndpointWorksInTheConsoleFromEveryNameOfThisMachine(t *testing.T) {
	h := harness.Start(t, steady...)
	for _, host := range []string{"localhost", "127.0.0.1", "0.0.0.0"} {
		t.Run(host, func(t *testing.T) { assertConsoleWorks(t, "http://"+host+port(h)) })
	}
}

func TestTheConsoleWorksWhenTheFirstRequestEverWasAStrangeOne(t *testing.T) {
	h := harness.Start(t, steady...)
	response, err := http.Get(h.URL() + "/x/index.html")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
	assertConsoleWorks(t, h.URL())
}

func assertConsoleWorks(t *testing.T, origin string) {
	b := newTab(t)
	b.openConsole(origin)
	var title, heading, description string
	b.run(chromedp.Title(&title), chromedp.Text(".info .title", &heading), chromedp.Text(".info .description", &description))
	assert.Equal(t, "Hedgerow", title)
	assert.Contains(t, heading, "Hedgerow")
	assert.Contains(t, description, "one of four strategies decides what to answer")
	for endpoint, answer := range endpoints {
		b.tryOut(endpoint)
		s := b.execute(endpoint)
		call := origin + "/api/" + endpoint + "?timeout=3000"
		assert.Equal(t, "200", s.status, endpoint)
		assert.JSONEq(t, answer, s.body, endpoint)
		assert.Equal(t, call, s.url)
		assert.Contains(t, s.curl, "'"+call+"'")
	}
	b.assertQuiet(origin)
}

func TestTheConsoleShowsWhatTheAPISaysToABadTimeout(t *testing.T) {
	h := harness.Start(t, steady...)
	b := newTab(t)
	b.openConsole(h.URL())
	b.tryOut("smart")
	for timeout, complaint := range map[string]string{
		"0": "is out of range", "60001": "is out of range", "-1": "is not a whole number", "1.5": "is not a whole number",
		"abc": "is not a whole number", "": "is missing",
	} {
		b.setTimeout("smart", timeout)
		s := b.execute("smart")
		if timeout != "" {
			assert.Equal(t, h.URL()+"/api/smart?timeout="+timeout, s.url)
		}
		assert.Equal(t, "400", s.status, timeout)
		var problem struct {
			Title, Error string
			Status       int
		}
		require.NoError(t, json.Unmarshal([]byte(s.body), &problem), s.body)
		assert.Equal(t, 400, problem.Status)
		assert.Equal(t, "Bad Request", problem.Title)
		assert.Contains(t, problem.Error, "timeout "+complaint, timeout)
		assert.Contains(t, problem.Error, "from 1 to 60000", timeout)
		b.clear("smart")
	}
	b.setTimeout("smart", "1000")
	assert.Equal(t, "200", b.execute("smart").status, "a good one works after that")
	for _, said := range b.heard() {
		assert.Contains(t, said, "the server responded with a status of 400", "nothing else is said")
	}
	assert.Empty(t, b.strangers(h.URL()))
}
