package main

import (
	"fmt"
	"math"
	"strings"
)

// A drawing has panels one below the other, all of this size.
const (
	panelWidth, panelHeight = 880, 430
	plotLeft, plotTop       = 70, 40
	plotWidth, plotHeight   = 750, 320
)

// panel is a diagram of lines over axes that begin at 0.
type panel struct {
	title      string
	xMax, yMax float64
	// xTicks and yTicks are the steps between labels, formats turn a value into one.
	xTicks, yTicks   float64
	xFormat, yFormat string
	lines            []line
	// legendX and legendY are where the legend begins, in the panel's points.
	legendX, legendY int
}

type line struct {
	name, colour string
	points       [][2]float64
	// labels stand at the points, which are then drawn as dots.
	labels []string
	// below puts the labels under their dots.
	below bool
	// thin is for what others are compared with.
	thin bool
}

func (p panel) x(v float64) float64 { return plotLeft + v/p.xMax*plotWidth }
func (p panel) y(v float64) float64 { return plotTop + (1-v/p.yMax)*plotHeight }

// drawing is an SVG picture of the panels.
func drawing(title string, panels ...panel) string {
	var b strings.Builder
	height := len(panels) * panelHeight
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="13">
<title>%s</title>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="10" fill="#fff" stroke="#d0d7de"/>
`, panelWidth, height, panelWidth, height, title, panelWidth-1, height-1)
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n", i*panelHeight)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (p panel) draw(b *strings.Builder) {
	fmt.Fprintf(b, `<text x="%d" y="24" fill="#57606a">%s</text>`+"\n", plotLeft, p.title)
	for v := 0.0; v <= p.yMax; v += p.yTicks {
		fmt.Fprintf(b, `<path d="M%d %.1fh%d" stroke="#eaeef2"/><text x="%d" y="%.1f" text-anchor="end" fill="#57606a">`+p.yFormat+"</text>\n",
			plotLeft, p.y(v), plotWidth, plotLeft-8, p.y(v)+4, v)
	}
	for v := 0.0; v <= p.xMax; v += p.xTicks {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#57606a">`+p.xFormat+"</text>\n", p.x(v), plotTop+plotHeight+22, v)
	}
	for i, l := range p.lines {
		width := 2.5
		if l.thin {
			width = 1
		}
		b.WriteString(`<path d="M`)
		for _, point := range l.points {
			fmt.Fprintf(b, "%.1f %.1f ", p.x(min(point[0], p.xMax)), p.y(min(point[1], p.yMax)))
		}
		fmt.Fprintf(b, `" fill="none" stroke="%s" stroke-width="%.1f"/>`+"\n", l.colour, width)
		for j, label := range l.labels {
			x, y := p.x(min(l.points[j][0], p.xMax)), p.y(min(l.points[j][1], p.yMax))
			above := 6.0
			if l.below {
				above = -14
			}
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/><text x="%.1f" y="%.1f" font-size="11" fill="%s">%s</text>`+"\n",
				x, y, l.colour, x+4, y-above, l.colour, label)
		}
		x, y := p.legendX, p.legendY+26*i
		fmt.Fprintf(b, `<path d="M%d %dh28" stroke="%s" stroke-width="3"/><text x="%d" y="%d" fill="#24292f">%s</text>`+"\n",
			x, y-4, l.colour, x+38, y, l.name)
	}
}

// niceStep returns the smallest step of 1, 2 or 5 times a power of ten that makes at most ten steps of an axis from 0 to end.
func niceStep(end float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(end/10)))
	for _, digit := range []float64{1, 2, 5} {
		if digit*power >= end/10 {
			return digit * power
		}
	}
	return 10 * power
}
