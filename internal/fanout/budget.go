package fanout

import (
	"math"
	"sync/atomic"
)

// mostHedges is what a budget holds at the start and at most: so many attempts of an API that fails all at once may be made beside the
// first ones.
const mostHedges = 10

// hedgeUnits are the units of a budget that one hedge takes. Units are counted, not fractions, so that nothing is lost by rounding.
const hedgeUnits = 1_000_000

// unitsOf is a part of a hedge, to a millionth.
func unitsOf(hedges float64) int32 { return int32(math.Round(hedges * hedgeUnits)) }

// budget bounds the hedges by the calls that end well: each of these adds a part of a hedge. Each call's goroutine writes it, without a
// lock.
type budget struct{ units atomic.Int64 }

// fill makes it a full budget.
func (b *budget) fill() { b.units.Store(mostHedges * hedgeUnits) }

// take takes n hedges, or as many as there are, and returns how many.
func (b *budget) take(n int) int {
	for {
		units := b.units.Load()
		taken := min(n, int(units/hedgeUnits))
		if b.units.CompareAndSwap(units, units-int64(taken)*hedgeUnits) {
			return taken
		}
	}
}

// giveBack returns n hedges that were taken and then not sent.
func (b *budget) giveBack(n int) { b.add(int64(n) * hedgeUnits) }

// add adds what a call that ends well pays.
func (b *budget) add(units int64) {
	for {
		old := b.units.Load()
		next := min(old+units, mostHedges*hedgeUnits)
		if next == old || b.units.CompareAndSwap(old, next) {
			return
		}
	}
}

// left is how many hedges may go now, and the part of the next that has been earned.
func (b *budget) left() float64 { return float64(b.units.Load()) / hedgeUnits }
