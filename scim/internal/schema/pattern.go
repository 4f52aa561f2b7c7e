package schema

import (
	"strings"

	"github.com/rollcall-dev/rollcall/store/document"
)

// pattern finds the name of a field in the text of a document, without parsing it. A string value can't be mistaken for a name, because a
// quote within it is escaped, and no colon follows its closing quote.
//
// It first looks for the part of the name that begins with its rarest letter, because a search is faster the fewer places begin like what
// it looks for.
type pattern struct {
	before string // the part before the rarest letter, with the opening quote
	from   string // the rest, with the closing quote and the colon
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

// in says whether the document has a field of that name, at any depth.
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
