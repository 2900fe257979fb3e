package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

// curve is the share of calls answered well by a given time.
type curve struct {
	name, colour string
	answered     []time.Duration // sorted
	calls        int
}

// drawCurves measures one request, smart and first on the default testing server and draws their latency curves.
func drawCurves(p *programs) (table, error) {
	up, err := p.testingServer("--seed=1")
	if err != nil {
		return table{}, err
	}
	defer up.stop()
	ours, err := p.hedgerow(up.workURL())
	if err != nil {
		return table{}, err
	}
	defer ours.stop()
	result := table{header: []string{"", "calls", "answered well", "p50", "p90", "p99"}, met: true}
	var curves []curve
	for _, c := range []struct{ name, colour, addr, path string }{
		{"one request", "#9aa4ae", up.addr, "/api/work"},
		{"smart", "#1a7f37", ours.addr, "/api/smart?timeout=2000"},
		{"first", "#0969da", ours.addr, "/api/first?timeout=2000"},
	} {
		s := closedLoop(c.addr, c.path, 100, time.Second, 10*time.Second)
		sorted := s.sorted(http.StatusOK)
		curves = append(curves, curve{c.name, c.colour, sorted, len(s.calls)})
		result.rows = append(result.rows, []string{
			c.name, fmt.Sprint(len(s.calls)), fmt.Sprintf("%.2f %%", 100*float64(len(sorted))/float64(len(s.calls))),
			milliseconds(quantile(sorted, 0.5)), milliseconds(quantile(sorted, 0.9)), milliseconds(quantile(sorted, 0.99)),
		})
	}
	return result, os.WriteFile("../images/latency.svg", []byte(svg(curves)), 0o644)
}

// The drawing: 1000 ms across, 100 % up.
const (
	plotLeft, plotTop     = 60, 40
	plotWidth, plotHeight = 760, 320
	plotMax               = 1000 // ms
)

func plotX(d float64) float64     { return plotLeft + d/plotMax*plotWidth }
func plotY(share float64) float64 { return plotTop + (1-share)*plotHeight }

func svg(curves []curve) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 880 430" width="880" height="430" font-family="sans-serif" font-size="13">
<title>Share of calls answered well, by time</title>
<rect x="0.5" y="0.5" width="879" height="429" rx="10" fill="#fff" stroke="#d0d7de"/>
<text x="%d" y="24" fill="#57606a">answered well, of all calls</text>
`, plotLeft)
	for i := range 5 {
		y := plotY(float64(i) / 4)
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#eaeef2"/><text x="%d" y="%.1f" text-anchor="end" fill="#57606a">%d %%</text>`+"\n",
			plotLeft, y, plotLeft+plotWidth, plotLeft-8, y+4, 25*i)
	}
	for i := 0; i <= 10; i += 2 {
		x := plotX(float64(i) * plotMax / 10)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#57606a">%d ms</text>`+"\n", x, plotTop+plotHeight+22, i*plotMax/10)
	}
	for i, c := range curves {
		fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2.5"/>`+"\n", c.path(), c.colour)
		x := plotLeft + 560
		y := plotTop + 200 + 26*i
		fmt.Fprintf(&b, `<path d="M%d %dh28" stroke="%s" stroke-width="3"/><text x="%d" y="%d" fill="#24292f">%s</text>`+"\n",
			x, y-4, c.colour, x+38, y, c.name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// path of the curve, a point each 5 ms.
func (c curve) path() string {
	var b strings.Builder
	b.WriteString("M")
	i := 0
	for t := 0; t <= plotMax; t += 5 {
		for i < len(c.answered) && c.answered[i] <= time.Duration(t)*time.Millisecond {
			i++
		}
		fmt.Fprintf(&b, "%.1f %.1f ", plotX(float64(t)), plotY(float64(i)/float64(c.calls)))
	}
	return strings.TrimSpace(b.String())
}
