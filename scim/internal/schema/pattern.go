package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// pattern finds a member's name in the text of a document, without parsing it. No string value can look like one, as a
// quote inside of it is escaped and no colon follows the quote behind it.
//
// It looks for the part from the rarest letter on first, because searching is as fast as false starts are few.
type pattern struct {
	before string // with the opening quote
	from   string // with the closing quote and the colon
}

func patternOf(name string) pattern {
	text := string(document.AppendString(nil, name)) + ":"
	const rarestFirst = "zqjxkvbyw"
	at := 1
	for i := range rarestFirst {
		if found := strings.IndexByte(text, rarestFirst[i]); found > 0 {
			at = found
			break
		}
	}
	return pattern{text[:at], text[at:]}
}

// in says whether the document has a member of that name, at any depth.
func (p pattern) in(doc string) bool {
	for start := 0; ; {
		i := strings.Index(doc[start:], p.from)
		if i < 0 {
			return false
		}
		if strings.HasSuffix(doc[:start+i], p.before) {
			return true
		}
		start += i + 1
	}
}
