package live

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newPage() *Page {
	return New(Settings{
		Hostname: "replica-1", Version: "v1", ConsolePort: 5000, Words: words,
		APIs:          func() []API { return []API{{Name: "rates"}} },
		Configuration: func() string { return "rates\n  url https://api.example.org/${KEY}\n" },
	})
}

// get makes a request of a page at localhost:5001. header has names and values in turn.
func get(p *Page, path string, header ...string) *httptest.ResponseRecorder {
	return ask(p, http.MethodGet, "localhost:5001", path, header...)
}

func ask(p *Page, method, host, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(done(), method, path, nil)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// done is the context of a reader that has gone, so that a stream ends after its first look.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestThePageIsOneSmallFileThatLoadsNothing(t *testing.T) {
	w := get(newPage(), "/")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	page := w.Body.String()
	assert.LessOrEqual(t, len(page), 40<<10)
	for _, tag := range []string{"<script src", "<link rel=\"stylesheet\"", "<img", "@import", "url(", " style=", " onclick=", "{{"} {
		assert.NotContains(t, page, tag)
	}
	for _, url := range regexp.MustCompile(`https?://[^"' )]*`).FindAllString(page, -1) {
		assert.Contains(t, []string{"http://www.w3.org/2000/svg"}, url, "a name, which nobody loads")
	}
}

func TestThePolicyAllowsTheScriptAndTheStyleThatArePartOfThePage(t *testing.T) {
	w := get(newPage(), "/")
	policy := w.Header().Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		assert.Contains(t, policy, directive)
	}
	assert.NotContains(t, policy, "unsafe")
	for directive, tag := range map[string]string{"script-src": "script", "style-src": "style"} {
		inline := regexp.MustCompile(`(?s)<`+tag+`[^>]*>(.*?)</`+tag+`>`).FindAllStringSubmatch(w.Body.String(), -1)
		require.Len(t, inline, 1, "there is one %s", tag)
		assert.Contains(t, policy, directive+" "+hash(inline[0][1])+";")
	}
}

func TestEveryAnswerIsForThisOriginAlone(t *testing.T) {
	p := newPage()
	for path, status := range map[string]int{"/": 200, "/?api=rates": 200, "/events": 200, "/configuration": 200, "/index.html": 404, "/events/": 404} {
		w := get(p, path)
		assert.Equal(t, status, w.Code, path)
		assert.Equal(t, "same-origin", w.Header().Get("Cross-Origin-Resource-Policy"), path)
		assert.Equal(t, "DENY", w.Header().Get("X-Frame-Options"), path)
		assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), path)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), path)
		assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'", path)
		assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"), path)
	}
}

func TestThePageIsReadOnly(t *testing.T) {
	p := newPage()
	for _, path := range []string{"/", "/events", "/configuration"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			assert.Equal(t, http.StatusMethodNotAllowed, ask(p, method, "localhost", path).Code, "%s %s", method, path)
		}
	}
}

func TestThePageIsReachedByAddressesAndOwnNamesAlone(t *testing.T) {
	p := newPage()
	for host, status := range map[string]int{
		"localhost:5001": 200, "localhost": 200, "LOCALHOST:80": 200, "localhost.:5001": 200, "127.0.0.1:5001": 200, "10.1.2.3": 200, "[::1]:5001": 200,
		"[fe80::1]": 200, "replica-1:5001": 200, "Replica-1": 200, "replica-1.": 200,
		"evil.example:5001": 403, "evil.example": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example:5001": 403, "api:5001": 403,
		"evil.localhost": 403, "": 403, ":5001": 403, "replica-12": 403, "127.1": 403, "0x7f.1": 403, "[::1].evil.example": 403,
	} {
		for _, path := range []string{"/", "/events", "/configuration"} {
			assert.Equal(t, status, ask(p, http.MethodGet, host, path).Code, "%q %s", host, path)
		}
	}
}

func TestAMachineWithoutANameHasNone(t *testing.T) {
	assert.False(t, guard{}.isOwn(""))
}

func TestWhatThePageAsksForIsForItAlone(t *testing.T) {
	p := newPage()
	for _, c := range []struct {
		header []string
		status int
	}{
		{nil, 200},
		{[]string{"Origin", "http://localhost:5001"}, 200},
		{[]string{"Origin", "https://localhost:5001"}, 200},
		{[]string{"Origin", "http://localhost:5001", "Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "none"}, 200},
		{[]string{"Origin", "http://localhost:5000"}, 403},
		{[]string{"Origin", "http://localhost"}, 403},
		{[]string{"Origin", "http://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Origin", "%zz"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Origin", "http://localhost:5001", "Sec-Fetch-Site", "cross-site"}, 403},
	} {
		for _, path := range []string{"/events", "/configuration"} {
			assert.Equal(t, c.status, get(p, path, c.header...).Code, "%v %s", c.header, path)
		}
		assert.Equal(t, http.StatusOK, get(p, "/", c.header...).Code, "a link elsewhere may lead here: %v", c.header)
	}
}

func TestTheConfigurationIsShownInWords(t *testing.T) {
	w := get(newPage(), "/configuration")
	assert.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
	assert.Equal(t, "rates\n  url https://api.example.org/${KEY}\n", w.Body.String())
}

func TestTheCountersAreReadEveryTwoSecondsUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPage()
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		require.NoError(t, p.Run(ctx))
		assert.EqualValues(t, 5, p.figures.shown.Load().number)
	})
}
