// Package queries evaluates the documentation's PromQL queries. It needs promtool (Debian: prometheus).
package queries

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/contract"
	"hedgerow/test/e2e/harness"
	"hedgerow/test/faultserver"
	"hedgerow/test/metricstest"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestEveryQueryOfTheDocumentationHasAFiniteResultOnceCallsOfEveryKindHaveBeenMade(t *testing.T) {
	queries := documented(t)
	require.Greater(t, len(queries), 9)
	before, after := scrapes(t)
	for _, query := range queries {
		t.Run(query, func(t *testing.T) { requireFinite(t, query, before, after) })
	}
}

func TestAQueryWithoutAResultOrWithOneThatIsNotFiniteIsNoticed(t *testing.T) {
	scrape := metricstest.Scrape{}
	for _, query := range []string{"hedgerow_none", "vector(0) / 0", "vector(1) / 0", "-vector(1) / 0"} {
		require.Error(t, evaluate(t, query, scrape, scrape), query)
	}
	require.NoError(t, evaluate(t, "vector(0)", scrape, scrape))
}

var (
	// inTable is a row of a table whose second cell begins with a code span about our metrics.
	inTable = regexp.MustCompile("(?m)^\\|[^|]*\\| `([^`]*hedgerow_[^`]*)`")
	inBlock = regexp.MustCompile("(?ms)^```promql\\n(.*?)\\n```$")
)

// documented returns the queries of every page of documentation.
func documented(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(harness.Root(), "*.md"))
	require.NoError(t, err)
	var queries []string
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, match := range slices.Concat(inTable.FindAllSubmatch(text, -1), inBlock.FindAllSubmatch(text, -1)) {
			queries = append(queries, string(match[1]))
		}
	}
	return queries
}

// scrapes returns what a service says before and after calls of every kind.
func scrapes(t *testing.T) (before, after metricstest.Scrape) {
	t.Helper()
	hang := faultserver.Hang("")
	upstream := faultserver.New(t, append(slices.Repeat([]faultserver.Behaviour{hang}, 9),
		faultserver.Status(http.StatusInternalServerError, ""), faultserver.Answer(1))...) // the last goes on for ever
	h := harness.Start(t, "EXPONEA_URL="+upstream.URL, "HEDGEROW_MAX_IN_FLIGHT=9", "HEDGEROW_LOSER_GRACE=0s", "HEDGEROW_CONFIG="+fileOfAPIs(t))
	before = metricstest.Get(t, h.AdminAddr)

	// Three calls fill the cap: a fourth is refused. Then two of their callers go away, and the third gets its 504.
	gone, leave := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	callers.Go(func() { call(gone, t, h, "/api/all?timeout=60000") })
	callers.Go(func() { call(gone, t, h, "/api/first?timeout=60000") })
	callers.Go(func() { call(t.Context(), t, h, "/api/first?timeout=2000") })
	upstream.WaitForRequests(t, 9)
	call(t.Context(), t, h, "/api/first?timeout=2000")
	leave()
	callers.Wait()
	require.Eventually(t, func() bool {
		scrape, err := metricstest.Fetch(h.AdminAddr)
		return err == nil && scrape.Sum("hedgerow_attempts_in_flight") == 0
	}, 10*time.Second, 10*time.Millisecond)

	call(t.Context(), t, h, "/api/smart?timeout=10000") // its first attempt fails, its hedges do not
	for _, path := range contract.Strategies() {
		call(t.Context(), t, h, path+"?timeout=10000")
		call(t.Context(), t, h, path)
	}
	call(t.Context(), t, h, "/proxy/shop/work") // as the smart call above
	after = metricstest.Get(t, h.AdminAddr)
	for _, status := range []string{"200", "400", "499", "503", "504"} {
		require.Positive(t, after.Sum("hedgerow_calls_total", "status", status), status)
	}
	require.Positive(t, after.Sum("hedgerow_attempts_total", "kind", "hedge", "outcome", "won"))
	return before, after
}

// fileOfAPIs writes a file with an API whose first answer is a failure.
func fileOfAPIs(t *testing.T) string {
	t.Helper()
	shop := faultserver.New(t, faultserver.Status(http.StatusInternalServerError, ""), faultserver.Answer(1))
	file := filepath.Join(t.TempDir(), "apis.yaml")
	require.NoError(t, os.WriteFile(file, []byte("apis: {shop: {url: \""+shop.URL+"\"}}"), 0o600))
	return file
}

// call makes a call, whatever the answer.
func call(ctx context.Context, t *testing.T, h *harness.Hedgerow, target string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL()+target, nil)
	if assert.NoError(t, err) {
		if response, err := http.DefaultClient.Do(request); err == nil {
			assert.NoError(t, response.Body.Close())
		}
	}
}

func requireFinite(t *testing.T, query string, before, after metricstest.Scrape) {
	t.Helper()
	require.NoError(t, evaluate(t, query, before, after))
}

// The file that `promtool test rules` reads: JSON is YAML too.
type (
	ruleTests struct {
		Tests []ruleTest `json:"tests"`
	}
	ruleTest struct {
		Interval string     `json:"interval"`
		Input    []series   `json:"input_series"`
		Queries  []expected `json:"promql_expr_test"`
	}
	series struct {
		Series string `json:"series"`
		Values string `json:"values"`
	}
	expected struct {
		Query   string   `json:"expr"`
		At      string   `json:"eval_time"`
		Samples []sample `json:"exp_samples"`
	}
	sample struct {
		Labels string `json:"labels"`
		Value  int    `json:"value"`
	}
)

// evaluate has Prometheus load both scrapes, a minute apart, and returns an error when the query has no result then, or one with a
// value that is not finite.
func evaluate(t *testing.T, query string, before, after metricstest.Scrape) error {
	t.Helper()
	test := ruleTest{Interval: "1m", Input: []series{}, Queries: []expected{{
		// As many values as finite ones. Without any value this has no result.
		Query: "count(" + query + ") - count(abs(" + query + ") < Inf)", At: "1m", Samples: []sample{{Labels: "{}", Value: 0}},
	}}}
	values := map[string][]string{}
	for _, line := range slices.Concat(before.Lines("hedgerow_"), after.Lines("hedgerow_")) {
		space := strings.LastIndexByte(line, ' ') // a label may have one too
		values[line[:space]] = append(values[line[:space]], line[space+1:])
	}
	for name, both := range values {
		test.Input = append(test.Input, series{name, strings.Join(both, " ")})
	}
	text, err := json.Marshal(ruleTests{[]ruleTest{test}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "test.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	output, err := exec.Command("promtool", "test", "rules", file).CombinedOutput()
	if err != nil {
		t.Logf("%s", output)
	}
	return err
}
