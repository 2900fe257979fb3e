package queries

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

// The parts of a Grafana dashboard that are checked.
type (
	dashboard struct {
		UID        string
		Title      string
		Templating struct{ List []variable }
		Panels     []panel
	}
	variable struct {
		Name, Type string
		Datasource source
	}
	panel struct {
		ID                       int
		Type, Title, Description string
		Datasource               source
		Grid                     grid `json:"gridPos"`
		FieldConfig              struct{ Defaults struct{ Unit string } }
		Targets                  []target
	}
	grid   struct{ X, Y, W, H int }
	source struct{ Type, UID string }
	target struct {
		RefID      string
		Datasource source
		Expr       string
		Legend     string `json:"legendFormat"`
	}
)

// chosen is the Prometheus that the reader of the dashboard has chosen.
var chosen = source{"prometheus", "${datasource}"}

// units are Grafana's names of those that panels may have.
var units = []string{"none", "cps", "s", "percentunit", "bytes", "bool_yes_no"}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.Root(), "deploy", "grafana", "hedgerow.json"))
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(text, &d))
	require.Greater(t, len(d.Panels), 20)
	return d
}

// problems are what is wrong with the shape of a dashboard and with its queries.
func (d dashboard) problems(known exposed) error {
	var problems []error
	if d.UID == "" || d.Title == "" {
		problems = append(problems, errors.New("the dashboard has no uid or no title"))
	}
	variables := []string{"__rate_interval"}
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
		if v.Type == "query" && v.Datasource != chosen {
			problems = append(problems, fmt.Errorf("the variable %s has a datasource of its own", v.Name))
		}
	}
	for i, p := range d.Panels {
		for _, other := range d.Panels[:i] {
			if p.ID == other.ID || p.Grid.overlaps(other.Grid) {
				problems = append(problems, fmt.Errorf("%q has the id or the place of %q", p.Title, other.Title))
			}
		}
		problems = append(problems, p.problems())
		for _, q := range p.Targets {
			if err := q.problems(known, variables); err != nil {
				problems = append(problems, fmt.Errorf("%q, %s: %w", p.Title, q.RefID, err))
			}
		}
	}
	return errors.Join(problems...)
}

// problems are what is wrong with a panel alone.
func (p panel) problems() error {
	switch {
	case p.Title == "" || p.ID == 0:
		return fmt.Errorf("panel %d has no title or no id", p.ID)
	case p.Grid.W < 1 || p.Grid.H < 1 || p.Grid.X < 0 || p.Grid.X+p.Grid.W > 24:
		return fmt.Errorf("%q does not fit into 24 columns", p.Title)
	case p.Type == "row":
		return nil
	case p.Description == "" || len(p.Targets) == 0:
		return fmt.Errorf("%q has no description or no queries", p.Title)
	case p.Datasource != chosen:
		return fmt.Errorf("%q has a datasource of its own", p.Title)
	case !slices.Contains(units, p.FieldConfig.Defaults.Unit):
		return fmt.Errorf("%q has the unit %q", p.Title, p.FieldConfig.Defaults.Unit)
	}
	names := map[string]bool{}
	for _, q := range p.Targets {
		names[q.RefID] = true
	}
	if len(names) != len(p.Targets) {
		return fmt.Errorf("%q has two queries of one name", p.Title)
	}
	return nil
}

// problems are what is wrong with a query of a dashboard that has these variables.
func (q target) problems(known exposed, variables []string) error {
	if q.RefID == "" || q.Legend == "" || q.Datasource != chosen {
		return errors.New("no name, no legend or a datasource of its own")
	}
	for _, used := range inQuery.FindAllStringSubmatch(q.Expr, -1) {
		if !slices.Contains(variables, used[1]) {
			return fmt.Errorf("the variable %s is not there", used[1])
		}
	}
	if !strings.Contains(q.Expr, `instance=~"$instance"`) {
		return errors.New("all replicas, whichever are chosen")
	}
	return known.check(everything(q.Expr))
}

// inQuery is a variable of Grafana.
var inQuery = regexp.MustCompile(`\$\{?(\w+)`)

// everything is a query as Grafana sends it when nothing is chosen.
func everything(query string) string {
	return strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*", "$api", ".*").Replace(query)
}

func (g grid) overlaps(o grid) bool {
	return g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H
}

// requireMistakesNoticed makes mistakes in the dashboard, one at a time.
func requireMistakesNoticed(t *testing.T, known exposed) {
	t.Helper()
	for name, slip := range map[string]func(d *dashboard, p *panel){
		"no uid":               func(d *dashboard, _ *panel) { d.UID = "" },
		"no variable":          func(d *dashboard, _ *panel) { d.Templating.List = d.Templating.List[:1] },
		"another's variable":   func(d *dashboard, _ *panel) { d.Templating.List[1].Datasource.UID = "prometheus" },
		"an id twice":          func(d *dashboard, p *panel) { p.ID = d.Panels[2].ID },
		"no title":             func(_ *dashboard, p *panel) { p.Title = "" },
		"no description":       func(_ *dashboard, p *panel) { p.Description = "" },
		"no unit":              func(_ *dashboard, p *panel) { p.FieldConfig.Defaults.Unit = "" },
		"an unknown unit":      func(_ *dashboard, p *panel) { p.FieldConfig.Defaults.Unit = "seconds" },
		"another's datasource": func(_ *dashboard, p *panel) { p.Datasource.UID = "prometheus" },
		"no queries":           func(_ *dashboard, p *panel) { p.Targets = nil },
		"a wide panel":         func(_ *dashboard, p *panel) { p.Grid.W = 25 },
		"an overlap":           func(d *dashboard, p *panel) { p.Grid = d.Panels[3].Grid },
		"a query elsewhere":    func(_ *dashboard, p *panel) { p.Targets[0].Datasource.UID = "prometheus" },
		"no legend":            func(_ *dashboard, p *panel) { p.Targets[0].Legend = "" },
		"a query twice":        func(_ *dashboard, p *panel) { p.Targets = append(p.Targets, p.Targets[0]) },
		"every replica":        replace(`instance=~"$instance"`, `instance=~".+"`),
		"a bad query":          replace("sum by", "sum bye"),
		"an unknown metric":    replace("calls_total", "calls"),
		"one metric of two":    replace("hedgerow_(proxy_)?calls", "hedgerow_(proxi_)?calls"),
		"an unknown grouping":  replace("by (status)", "by (state)"),
		"an unknown label":     replace(`api=~"$api"`, `aip!~"$api"`),
		"an unknown value":     replace(`api=~"$api"`, `status!="600"`),
		"an unknown variable":  replace("$api", "$service"),
	} {
		d := readDashboard(t)
		slip(&d, &d.Panels[1])
		require.Error(t, d.problems(known), name)
	}
}

// replace is a mistake in the first query of a panel.
func replace(old, text string) func(*dashboard, *panel) {
	return func(_ *dashboard, p *panel) {
		if before := p.Targets[0].Expr; before == strings.ReplaceAll(before, old, text) {
			panic("the query has no " + old)
		}
		p.Targets[0].Expr = strings.ReplaceAll(p.Targets[0].Expr, old, text)
	}
}

// inLegend is a label whose value a legend shows.
var inLegend = regexp.MustCompile(`{{(\w+)}}`)

// requireNamed fails when a legend shows a label that no series of the result has.
func requireNamed(t *testing.T, result model.Vector, legend string) {
	t.Helper()
	for _, label := range inLegend.FindAllStringSubmatch(legend, -1) {
		assert.True(t, slices.ContainsFunc(result, func(s *model.Sample) bool { return s.Metric[model.LabelName(label[1])] != "" }), label[1])
	}
}
