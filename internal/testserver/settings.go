package testserver

import (
	"math/rand/v2"
	"time"
)

// Settings of a Server. The four shares are probabilities, 0 to 1, and their sum is at most 1; what is left of 1 is answered
// well. The zero value answers every request well and at once. The defaults and the check are internal/config's.
type Settings struct {
	// Min and Max bound the time that an answer takes, both included, in whole milliseconds.
	Min, Max time.Duration
	// Fail is the share that gets status 500 and a small JSON body.
	Fail float64
	// Reset is the share whose TCP connection is reset instead of an answer.
	Reset float64
	// Garbage is the share that gets status 200 and a body that is no JSON.
	Garbage float64
	// Hang is the share that gets no answer, ever.
	Hang float64
	// Seed decides the fate of the first, second, ... request. 0: a seed is chosen at random, see Server.Seed.
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

// plan is the fate of one request.
type plan struct {
	kind  kind
	delay time.Duration // whole milliseconds; a hang has one too and does not use it
}

// draw takes exactly two values from random whatever it decides, so that with one seed the delays stay the same when the shares
// change, and the kinds when the bounds do. (Int64N may take more than one.)
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
