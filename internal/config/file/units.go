package file

import (
	"fmt"
	"strings"
	"time"
)

// short is a duration without the zeros that Go prints: 1m, not 1m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func sizeWords(bytes int64) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if one := int64(1) << (30 - 10*i); bytes%one == 0 {
			return fmt.Sprintf("%d%s", bytes/one, unit)
		}
	}
	return fmt.Sprintf("%dB", bytes)
}
