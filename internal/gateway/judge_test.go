package gateway_test

import (
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/fanout"
)

const okay = `success: {if: 'json("status") == "ok"'}`

func TestAnswersWithoutABodyAreNotAskedForTheCondition(t *testing.T) {
	for _, test := range []struct {
		method string
		status int
		body   string
		good   bool
	}{
		{"HEAD", 200, "", true},
		{"HEAD", 404, "", true},
		{"GET", 204, "", true},
		{"GET", 304, "", true},
		{"GET", 205, "", false},
		{"GET", 200, "", false},
		{"GET", 200, `{"status":"error"}`, false},
		{"GET", 200, `{"status":"ok"}`, true},
		{"HEAD", 500, "", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := start(t, one("strategy: first, attempts: 2, "+okay), always(step{status: test.status, body: test.body}))
			_, err := g.call(t, "a", test.method, "/x")
			assert.Equal(t, test.good, err == nil, "%+v: %v", test, err)
			g.Close()
		})
	}
}

func TestTheStatusesOfTheFileReplaceTheUsualOnes(t *testing.T) {
	for settings, good := range map[string]map[int]bool{
		"success: {}":                   {200: true, 302: true, 404: true, 508: true, 408: false, 425: false, 429: false, 500: false, 503: false},
		"success: {status: [2xx, 503]}": {200: true, 299: true, 503: true, 302: false, 304: false, 404: false, 500: false, 508: false},
		"success: {if: status != 404}":  {200: true, 302: true, 404: false, 508: true, 429: false, 500: false},
		"success: {status: [404, 5xx], if: 'header(\"X-A\") == \"1\"'}": {404: true, 500: true, 200: false},
	} {
		for status, want := range good {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, one("attempts: 1, "+settings), always(step{status: status, header: http.Header{"X-A": {"1", "2"}}}))
				_, err := g.call(t, "a", "GET", "/x")
				assert.Equal(t, want, err == nil, "%s: %d", settings, status)
				g.Close()
			})
		}
	}
}

func TestWhenEveryAttemptHasFailedTheLastCompleteAnswerThatFailedByItsStatusIsKept(t *testing.T) {
	first, second := step{after: ms, status: 500, body: "first"}, step{after: 2 * ms, status: 503, body: "second"}
	reset, unmet := step{after: 3 * ms, err: syscall.ECONNRESET}, step{after: 4 * ms, status: 200, body: "unmet"}
	for name, test := range map[string]struct {
		steps []step
		want  string
	}{
		"the last of two":                             {[]step{first, second}, "second"},
		"the last to end, not the last to begin":      {[]step{second, first}, "second"},
		"the one before a reset":                      {[]step{first, reset}, "first"},
		"the one before a condition that was not met": {[]step{second, unmet}, "second"},
		"none: no answer came":                        {[]step{reset, reset}, ""},
		"none: the condition was not met":             {[]step{unmet, reset}, ""},
	} {
		for _, strategy := range []string{"first", "smart"} {
			synctest.Test(t, func(t *testing.T) {
				s := newScript(func(made sending) step { return test.steps[made.number] })
				g := start(t, one("attempts: 2, hedge: {delay: 0s}, strategy: "+strategy+", "+okay), s)
				result, err := g.call(t, "a", "GET", "/x")
				require.ErrorIs(t, err, fanout.ErrFailed)
				if test.want == "" {
					assert.Nil(t, result.Failed, name)
				} else {
					require.NotNil(t, result.Failed, name)
					assert.Equal(t, test.want, string(result.Failed.Body), "%s by %s", name, strategy)
				}
				g.Close()
			})
		}
	}
}

func TestAnAnswerForWhichTheConditionCannotBeEvaluatedSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, one(`attempts: 1, success: {if: 'json("n") > 1'}`), always(step{status: 200, body: `{"n": "many"}`}))
		result, err := g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []string{"condition cannot be evaluated, status 200"}, reasons(result))
		g.Close()
	})
}

func TestEachAttemptSaysWhyItFailedWithItsStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := []step{{status: 500}, {after: ms, status: 429}, {after: 2 * ms, status: 201, body: "not JSON"}, {after: 3 * ms, status: 202, body: "{}"}}
		s := newScript(func(made sending) step { return steps[made.number] })
		g := start(t, one("attempts: 4, strategy: all, "+okay), s)
		result, err := g.call(t, "a", "GET", "/x")
		require.ErrorIs(t, err, fanout.ErrFailed)
		assert.Equal(t, []string{"status 500", "status 429", "condition not met, status 201", "condition not met, status 202"}, reasons(result))
		g.Close()
	})
}
