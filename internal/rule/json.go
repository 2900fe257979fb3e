package rule

import (
	"fmt"

	"github.com/tidwall/gjson"
)

const (
	// maxDepth is how deep a body may nest and still be JSON to a condition: what reads it is recursive.
	maxDepth = 1000

	// maxComposite bounds what an array or object of a body costs a condition in time and memory, in bytes of its JSON.
	maxComposite = 64 << 10
)

// validJSON says whether the body is one JSON value of a bearable depth.
func validJSON(body []byte) bool {
	return depthWithin(body, maxDepth) && gjson.ValidBytes(body)
}

// depthWithin says whether arrays and objects nest at most limit deep, whatever the body is.
func depthWithin(body []byte, limit int) bool {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = stringEnd(body, i)
		case '[', '{':
			if depth++; depth > limit {
				return false
			}
		case ']', '}':
			depth--
		}
	}
	return true
}

// stringEnd is where the string that starts at i ends: at its quote, or at the end of the body.
func stringEnd(body []byte, i int) int {
	for i++; i < len(body) && body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return i
}

// lookup is the value at a path of gjson: nil, a bool, float64 or string, or a slice or map of them.
func lookup(body []byte, path string) (any, error) {
	result := gjson.GetBytes(body, path)
	if result.IsArray() || result.IsObject() {
		if len(result.Raw) > maxComposite {
			return nil, fmt.Errorf("json(%q) is an array or object of over 64 KiB: choose a part of it by its path, such as its length by %q", path, path+".#")
		}
	}
	return result.Value(), nil
}
