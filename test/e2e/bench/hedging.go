package main

import (
	"fmt"
	"os"
	"time"
)

// The picture is of bhope/hedge's upstream and three attempts.
const (
	hedgingAttempts = 3
	mostHedged      = 80 // per cent of extra requests at which the picture ends
)

// drawHedging measures p99 and extra requests of static delays, of quantiles and of budgets, and draws them over theory's.
func drawHedging(p *programs) (table, error) {
	result := table{header: []string{"", "p99", "extra requests", "p99 in theory", "extra requests in theory"}, met: true}
	lines := []line{{name: "theory, any delay", colour: "#9aa4ae", points: theoryOfDelays(), thin: true}}
	for _, kind := range []struct {
		name, colour string
		settings     func(value string) string
		values       []string
		delay        func(value string) float64 // seconds; nil: theory has none
	}{
		{
			"static delays", "#0969da", func(v string) string { return v + ", budget: off" },
			[]string{"6ms", "7ms", "8ms", "10ms", "15ms", "45ms"}, staticDelay,
		},
		{
			"quantiles", "#1a7f37", func(v string) string { return v + ", budget: off" },
			[]string{"p70", "p80", "p85", "p90", "p93", "p96"}, quantileDelay,
		},
		{
			"p90 with budgets", "#bf3989", func(v string) string { return "p90, budget: " + v },
			[]string{"2%", "5%", "10%", "15%"}, nil,
		},
	} {
		l := line{name: kind.name, colour: kind.colour, labels: kind.values, below: kind.name == "quantiles"}
		for _, value := range kind.values {
			h, err := hedgedCalls(p, stragglers, fmt.Sprintf("timeout: 5s, attempts: %d, hedge: {min: 1ms, delay: %s}", hedgingAttempts, kind.settings(value)), 20, 3*time.Second)
			if err != nil {
				return table{}, fmt.Errorf("%s: %w", value, err)
			}
			p99 := quantile(h.sorted, 0.99)
			l.points = append(l.points, [2]float64{100 * h.extra, ms(p99)})
			row := []string{kind.name + ": " + value, milliseconds(p99), fmt.Sprintf("%+.1f %%", 100*h.extra)}
			if kind.delay != nil {
				delay := kind.delay(value)
				row = append(row, fmt.Sprintf("%.1f ms", 1000*quantileOf(stragglers.hedged(delay, hedgingAttempts), 0.99)),
					fmt.Sprintf("%+.1f %%", 100*stragglers.extra(delay, hedgingAttempts)))
			}
			result.rows = append(result.rows, row)
		}
		lines = append(lines, l)
	}
	picture := drawing("p99 against extra requests, by delay and budget", panel{
		title: "p99 in ms, against extra requests in per cent of the calls",
		xMax:  mostHedged, xTicks: 10, xFormat: "%.0f %%", yMax: 80, yTicks: 10, yFormat: "%.0f ms",
		lines: lines, legendX: plotLeft + 520, legendY: plotTop + 40,
	})
	return result, os.WriteFile("../../images/hedging.svg", []byte(picture), 0o644)
}

func staticDelay(value string) float64 {
	d, err := time.ParseDuration(value)
	if err != nil {
		panic(err) // it is one of the values above
	}
	return d.Seconds()
}

func quantileDelay(value string) float64 {
	var percent float64
	if _, err := fmt.Sscanf(value, "p%f", &percent); err != nil {
		panic(err) // it is one of the values above
	}
	return quantileOf(stragglers.survival, percent/100)
}

// theoryOfDelays are extra requests in per cent and p99 in ms for delays of 6 ms and more.
func theoryOfDelays() [][2]float64 {
	var points [][2]float64
	for delay := 0.006; delay < 0.120; delay += 0.00025 {
		points = append(points, [2]float64{
			min(mostHedged, 100*stragglers.extra(delay, hedgingAttempts)), 1000 * quantileOf(stragglers.hedged(delay, hedgingAttempts), 0.99),
		})
	}
	return points
}
