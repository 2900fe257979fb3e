package testserver

import (
	"math/rand/v2"
	"time"
)

// Settings of a Server. The four shares are probabilities from 0 to 1, and their sum is at most 1. All other requests are answered
// well. The zero value answers every request well and at once. Defaults and bounds are internal/config's.
type Settings struct {
	// Min and Max bound the time that an answer takes, both included, in whole milliseconds.
	Min, Max time.Duration
	// Fail is the share that gets status 500 and a small JSON body.
	Fail float64
	// Reset is the share whose TCP connection is reset instead of an answer.
	Reset float64
	// Garbage is the share that gets status 200 and a body that is not JSON.
	Garbage float64
	// Hang is the share that never gets an answer.
	Hang float64
	// Seed decides what happens to the first, second, ... request. 0: a random seed, which Server.Seed returns.
	Seed uint64
}

// kind is what happens to one request.
type kind string

const (
	work    kind = "work"
	fail    kind = "fail"
	reset   kind = "reset"
	garbage kind = "garbage"
	hang    kind = "hang"
)

type share struct {
	kind kind
	of   float64
}

func (s Settings) failures() [4]share {
	return [4]share{{fail, s.Fail}, {reset, s.Reset}, {garbage, s.Garbage}, {hang, s.Hang}}
}

// plan is what happens to one request.
type plan struct {
	kind  kind
	delay time.Duration // whole milliseconds; a hang has one too and does not use it
}

// draw takes exactly two values from random, whatever it decides. So with one seed the delays stay the same when the shares change,
// and the kinds stay the same when the bounds change. (Int64N may take more than one value.)
func (s Settings) draw(random *rand.Rand) plan {
	fate, position := random.Float64(), random.Float64()
	choices := float64((s.Max-s.Min)/time.Millisecond + 1)
	p := plan{kind: work, delay: s.Min + time.Duration(position*choices)*time.Millisecond}
	for _, share := range s.failures() {
		if fate < share.of {
			p.kind = share.kind
			break
		}
		fate -= share.of
	}
	return p
}
