package queries

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"hedgerow/test/metricstest"
)

// exposed is what a service says at /metrics.
type exposed struct {
	series metricstest.Scrape
	help   map[string]bool // the names that have a HELP
}

// ofPrometheus are labels that every series gets from the scrape.
var ofPrometheus = []string{"instance", "job"}

func readExposed(t *testing.T, admin string) exposed {
	t.Helper()
	e := exposed{metricstest.Get(t, admin), map[string]bool{}}
	response, err := http.Get("http://" + admin + "/metrics")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 3 && words[1] == "HELP" {
			e.help[words[2]] = true
		}
	}
	return e
}

// check parses a query, and says what in it the service does not have: metrics, labels, values of labels.
func (e exposed) check(query string) error {
	tree, err := parser.ParseExpr(query)
	if err != nil {
		return err
	}
	var problems []error
	known := slices.Clone(ofPrometheus)
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			series := e.named(selector)
			for _, s := range series {
				for label := range s.Metric {
					known = append(known, string(label))
				}
			}
			problems = append(problems, e.checkSelector(selector, series))
		}
		return nil
	})
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		if aggregate, ok := node.(*parser.AggregateExpr); ok {
			for _, label := range aggregate.Grouping {
				if !slices.Contains(known, label) {
					problems = append(problems, fmt.Errorf("no metric has the label %s", label))
				}
			}
		}
		return nil
	})
	return errors.Join(problems...)
}

// named returns the series whose metric has a name that a selector asks for.
func (e exposed) named(selector *parser.VectorSelector) []*model.Sample {
	return slices.DeleteFunc(slices.Clone(e.series), func(s *model.Sample) bool {
		return slices.ContainsFunc(selector.LabelMatchers, func(m *labels.Matcher) bool {
			return m.Name == model.MetricNameLabel && !m.Matches(string(s.Metric[model.MetricNameLabel]))
		})
	})
}

// checkSelector says what of a selector these series, all of that name, do not have.
func (e exposed) checkSelector(selector *parser.VectorSelector, series []*model.Sample) error {
	if selector.Name == "up" { // Prometheus' own
		return nil
	}
	if len(series) == 0 {
		return fmt.Errorf("there is no metric %s", selector)
	}
	names := map[string]bool{}
	for _, s := range series {
		name := string(s.Metric[model.MetricNameLabel])
		names[name] = true
		if !e.helps(name) {
			return fmt.Errorf("%s has no HELP", name)
		}
	}
	if selector.Name == "" && len(names) != 2 {
		return fmt.Errorf("%s is to name a metric of /api and one of /proxy/, and names %d", selector, len(names))
	}
	for _, m := range selector.LabelMatchers {
		if !slices.Contains(ofPrometheus, m.Name) && !slices.ContainsFunc(series, func(s *model.Sample) bool { return has(s, m) }) {
			return fmt.Errorf("no series has what %s says", m)
		}
	}
	return nil
}

// helps tells whether a metric has a HELP. Those of a histogram share one.
func (e exposed) helps(name string) bool {
	for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && e.help[base] {
			return true
		}
	}
	return false
}

// has tells whether a series has the label and the value that a matcher names, be it to take or to leave them out.
func has(s *model.Sample, m *labels.Matcher) bool {
	value, ok := s.Metric[model.LabelName(m.Name)]
	if m.Type == labels.MatchNotEqual || m.Type == labels.MatchNotRegexp {
		return ok && !m.Matches(string(value))
	}
	return ok && m.Matches(string(value))
}
