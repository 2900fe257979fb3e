// Package metricstest reads metrics as Prometheus does.
package metricstest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Scrape is what one scrape has found. A histogram is there as its _bucket, _sum and _count.
type Scrape model.Vector

// Parse reads metrics in Prometheus' text format.
func Parse(text io.Reader) (Scrape, error) {
	decoder := expfmt.SampleDecoder{Dec: expfmt.NewDecoder(text, expfmt.NewFormat(expfmt.TypeTextPlain)), Opts: &expfmt.DecodeOptions{}}
	var all Scrape
	for {
		var samples model.Vector
		if err := decoder.Decode(&samples); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, samples...)
	}
}

// Fetch scrapes an address: host and port.
func Fetch(addr string) (Scrape, error) {
	response, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New("/metrics: " + response.Status)
	}
	return Parse(response.Body)
}

// Get is Fetch, which has to succeed.
func Get(t testing.TB, addr string) Scrape {
	t.Helper()
	scrape, err := Fetch(addr)
	if err != nil {
		t.Fatal(err)
	}
	return scrape
}

// Of scrapes a handler.
func Of(t testing.TB, handler http.Handler) Scrape {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	scrape, err := Parse(recorder.Body)
	if err != nil {
		t.Fatal(err)
	}
	return scrape
}

// Sum adds up the samples of a metric that have these labels, each given as its name and its value. It panics when there is no metric
// of that name: a test that expects 0 must not pass because of a slip of the pen.
func (s Scrape) Sum(name string, labels ...string) float64 {
	sum, known := 0.0, false
	for _, sample := range s {
		if string(sample.Metric[model.MetricNameLabel]) != name {
			continue
		}
		known = true
		if hasLabels(sample.Metric, labels) {
			sum += float64(sample.Value)
		}
	}
	if !known {
		panic("metricstest: there is no metric " + name)
	}
	return sum
}

func hasLabels(metric model.Metric, labels []string) bool {
	for i := 0; i < len(labels); i += 2 {
		if string(metric[model.LabelName(labels[i])]) != labels[i+1] {
			return false
		}
	}
	return true
}

// Lines returns the samples whose metric has a name that begins with prefix, one a line and in order, as
// `name{label="value", other="value"} 1`, the labels by their names.
func (s Scrape) Lines(prefix string) []string {
	var lines []string
	for _, sample := range s {
		if strings.HasPrefix(string(sample.Metric[model.MetricNameLabel]), prefix) {
			lines = append(lines, fmt.Sprint(sample.Metric, " ", sample.Value))
		}
	}
	slices.Sort(lines)
	return lines
}

// Series are Lines without their values.
func (s Scrape) Series(prefix string) []string {
	lines := s.Lines(prefix)
	for i, line := range lines {
		lines[i] = line[:strings.LastIndexByte(line, ' ')]
	}
	return lines
}
