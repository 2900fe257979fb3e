package queries

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// The parts of a file of rules, and of a file of tests of rules.
type (
	ruleFile struct {
		Groups []ruleGroup `yaml:"groups"`
	}
	ruleGroup struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	}
	rule struct {
		Alert       string            `yaml:"alert"`
		Expr        string            `yaml:"expr"`
		For         string            `yaml:"for"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
	}
	testFile struct {
		Tests []struct {
			Alerts []struct {
				Name     string `yaml:"alertname"`
				Expected []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
)

func readRules(t *testing.T) ruleFile {
	t.Helper()
	var rules ruleFile
	readYAML(t, deployed("rules.yaml"), &rules)
	return rules
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
}

func (f ruleFile) alerts() []rule {
	var all []rule
	for _, group := range f.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// withoutThresholds is an alert's query with 0 or 1 in place of a series that is left out or kept: it has a result whether the alert
// fires or not.
func withoutThresholds(t *testing.T, query string) string {
	t.Helper()
	tree, err := parser.ParseExpr(query)
	require.NoError(t, err)
	compared := false
	parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
		if binary, ok := node.(*parser.BinaryExpr); ok && binary.Op.IsComparisonOperator() {
			binary.ReturnBool, compared = true, true
		}
		return nil
	})
	require.True(t, compared, "an alert has a threshold")
	return tree.String()
}

func TestPrometheusAcceptsItsConfigurationAndTheRules(t *testing.T) {
	require.NoError(t, promtool(t, "check", "config", deployed("prometheus.yaml")))
	require.NoError(t, promtool(t, "check", "rules", deployed("rules.yaml")))
}

// tested is what the tests say of an alert.
type tested struct {
	file          string
	fires, silent bool
}

// readRuleTests returns the alerts that the tests are about.
func readRuleTests(t *testing.T) map[string]tested {
	t.Helper()
	files, err := filepath.Glob(deployed("tests/*.yaml"))
	require.NoError(t, err)
	alerts := map[string]tested{}
	for _, file := range files {
		var tests testFile
		readYAML(t, file, &tests)
		for _, test := range tests.Tests {
			for _, alert := range test.Alerts {
				before, fires := alerts[alert.Name], len(alert.Expected) > 0
				alerts[alert.Name] = tested{filepath.Base(file), before.fires || fires, before.silent || !fires}
			}
		}
	}
	return alerts
}

func TestEveryAlertHasATestInWhichItFiresAndOneInWhichItDoesNot(t *testing.T) {
	tests := readRuleTests(t)
	for _, alert := range readRules(t).alerts() {
		test := tests[alert.Alert]
		assert.True(t, test.fires && test.silent, alert.Alert)
		assert.NotEmpty(t, alert.Labels["severity"], alert.Alert)
		require.NoError(t, promtool(t, "test", "rules", deployed(filepath.Join("tests", test.file))))
	}
}

func TestATestOfTheAlertsNoticesOneThatAlwaysOrNeverFires(t *testing.T) {
	tests := readRuleTests(t)
	for i, alert := range readRules(t).alerts() {
		for _, instead := range []string{alert.Expr + " or vector(1)", "(" + alert.Expr + ") < -1"} {
			rules := readRules(t)
			rules.Groups[0].Rules[i].Expr = instead
			require.Error(t, promtool(t, "test", "rules", beside(t, rules, tests[alert.Alert].file)), instead)
		}
		require.NoError(t, promtool(t, "test", "rules", beside(t, readRules(t), tests[alert.Alert].file)), "as it is")
	}
}

// beside writes rules into another folder and the alerts' tests beside them, and returns one of these.
func beside(t *testing.T, rules ruleFile, test string) string {
	t.Helper()
	folder := t.TempDir()
	text, err := yaml.Marshal(rules)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "rules.yaml"), text, 0o600))
	require.NoError(t, os.CopyFS(filepath.Join(folder, "tests"), os.DirFS(deployed("tests"))))
	return filepath.Join(folder, "tests", test)
}

// promtool runs promtool, whose exit code is the error.
func promtool(t *testing.T, args ...string) error {
	t.Helper()
	output, err := exec.Command("promtool", args...).CombinedOutput()
	if err != nil {
		t.Logf("%s", output)
	}
	return err
}
