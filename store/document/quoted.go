package document

import (
	"strconv"
	"unicode/utf8"
)

// Quoted is a client's own words in quotation marks, for a message. They are cut short, so that an answer doesn't grow with what came
// in, and never inside a character.
func Quoted(words string) string {
	const most = 64
	if len(words) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(words[cut]) {
			cut--
		}
		words = words[:cut] + "..."
	}
	return strconv.Quote(words)
}
