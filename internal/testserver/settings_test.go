package testserver

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mixed has every kind of failure.
func mixed(seed uint64) Settings {
	return Settings{
		Min: 100 * time.Millisecond, Max: 600 * time.Millisecond,
		Fail: 0.1, Reset: 0.05, Garbage: 0.2, Hang: 0.15, Seed: seed,
	}
}

func plans(s *Server, n int) []plan {
	drawn := make([]plan, n)
	for i := range drawn {
		drawn[i] = s.next()
	}
	return drawn
}

func TestTheSameSeedGivesTheSamePlan(t *testing.T) {
	first, second := New(mixed(7)), New(mixed(7))
	assert.Equal(t, plans(first, 1000), plans(second, 1000))
}

func TestAnotherSeedGivesAnotherPlan(t *testing.T) {
	seven, eight := plans(New(mixed(7)), 1000), plans(New(mixed(8)), 1000)
	same := 0
	for i := range seven {
		if seven[i].delay == eight[i].delay {
			same++
		}
	}
	assert.Less(t, same, 20, "about 2 in 1000 by chance")
}

func TestSeedZeroIsReplacedByARandomSeedThatGivesThePlanAgain(t *testing.T) {
	first, second := New(mixed(0)), New(mixed(0))
	assert.NotZero(t, first.Seed())
	assert.NotEqual(t, first.Seed(), second.Seed())
	assert.Equal(t, plans(first, 100), plans(New(mixed(first.Seed())), 100))
	assert.Equal(t, uint64(7), New(mixed(7)).Seed())
}

func TestOtherSharesLeaveTheDelaysOfASeedAsTheyWere(t *testing.T) {
	healthy := mixed(7)
	healthy.Fail, healthy.Reset, healthy.Garbage, healthy.Hang = 0, 0, 0, 0
	with, without := plans(New(mixed(7)), 1000), plans(New(healthy), 1000)
	for i := range with {
		require.Equal(t, without[i].delay, with[i].delay)
		require.Equal(t, work, without[i].kind)
	}
}

func TestThePlanHasTheSharesThatWereSet(t *testing.T) {
	const draws = 100_000
	s, random, seen := mixed(0), rand.New(rand.NewPCG(7, 0)), map[kind]float64{}
	for range draws {
		seen[s.draw(random).kind]++
	}
	for _, share := range []share{{work, 0.5}, {fail, 0.1}, {reset, 0.05}, {garbage, 0.2}, {hang, 0.15}} {
		assert.InDelta(t, share.of, seen[share.kind]/draws, 0.005, share.kind)
	}
}

func TestAShareOfOneTakesEveryRequest(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 0))
	for range 1000 {
		require.Equal(t, hang, Settings{Hang: 1}.draw(random).kind)
	}
}

func TestDelaysAreUniformWholeMillisecondsWithBothBounds(t *testing.T) {
	const draws = 501 * 400
	s, random, seen := mixed(0), rand.New(rand.NewPCG(7, 0)), map[time.Duration]int{}
	for range draws {
		seen[s.draw(random).delay]++
	}
	require.Len(t, seen, 501, "100 to 600 ms, nothing else")
	for n := range 501 {
		assert.InDelta(t, 400, seen[time.Duration(100+n)*time.Millisecond], 100, "five standard deviations")
	}
}
