package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheMostStepsHoldAndTheNextFailsTwice(t *testing.T) {
	for most := range 21 {
		tried := map[int]int{}
		found, err := mostSteady(20, func(step int) (bool, error) {
			tried[step]++
			return step <= most, nil
		})
		require.NoError(t, err)
		assert.Equal(t, most, found)
		if most < 20 {
			assert.Equal(t, 2, tried[most+1], "%d", most)
		}
		assert.LessOrEqual(t, len(tried), 6, "%d", most)
	}
}

func TestAStepThatFailsOnceByChanceDoesNotCount(t *testing.T) {
	for unlucky := 1; unlucky <= 13; unlucky++ {
		tried := map[int]int{}
		found, err := mostSteady(20, func(step int) (bool, error) {
			tried[step]++
			return step <= 13 && (step != unlucky || tried[step] > 1), nil
		})
		require.NoError(t, err)
		assert.Equal(t, 13, found, "%d", unlucky)
	}
}
