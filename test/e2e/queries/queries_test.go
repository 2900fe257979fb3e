// Package queries evaluates every PromQL query that is published here, those of the documentation, of the dashboard and of the alerts, in
// a real Prometheus that scrapes a service under load. It needs prometheus and promtool (Debian: prometheus), and redis-server.
package queries

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestEveryQueryHasAFiniteResultOnceCallsOfEveryKindHaveBeenMade(t *testing.T) {
	server, known := underLoad(t)
	for _, query := range documented(t) {
		t.Run(query, func(t *testing.T) {
			require.NoError(t, known.check(query))
			requireFinite(t, server, query)
		})
	}
	for _, panel := range readDashboard(t).Panels {
		for _, target := range panel.Targets {
			t.Run(panel.Title+" "+target.RefID, func(t *testing.T) {
				requireNamed(t, requireFinite(t, server, everything(target.Expr)), target.Legend)
			})
		}
	}
	for _, alert := range readRules(t).alerts() {
		t.Run(alert.Alert, func(t *testing.T) {
			require.NoError(t, known.check(alert.Expr))
			requireFinite(t, server, withoutThresholds(t, alert.Expr))
		})
	}
	t.Run("a mistake is noticed", func(t *testing.T) {
		for _, query := range []string{"hedgerow_none", "vector(0) / 0", "vector(1) / 0", "-vector(1) / 0", "sum(", "rate(up)"} {
			_, err := server.finite(query)
			require.Error(t, err, query)
		}
		require.NoError(t, readDashboard(t).problems(known))
		requireMistakesNoticed(t, known)
	})
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
	require.Greater(t, len(queries), 9)
	return queries
}
