package mapping

import (
	"fmt"
	"strings"
)

// parseTag parses a tag, which is a path and options behind commas. An option is an authority, required, sensitive, extension, or a
// transformation.
func parseTag(text string) (Rule, error) {
	parts := splitTag(text)
	r := Rule{Path: strings.TrimSpace(parts[0])}
	decided := false
	for _, option := range parts[1:] {
		option = strings.TrimSpace(option)
		switch option {
		case "required":
			r.Required = true
			continue
		case "sensitive":
			r.Sensitive = true
			continue
		case "extension":
			r.Extension = true
			continue
		case "":
			return r, fmt.Errorf("an empty option")
		}
		if a, ok := authorityOf(option); ok {
			if decided {
				return r, fmt.Errorf("two authorities, %s and %s", r.Authority, a)
			}
			r.Authority, decided = a, true
			continue
		}
		r.Apply = append(r.Apply, option)
	}
	return r, nil
}

// splitTag splits a tag at the commas outside of brackets and quotes.
func splitTag(text string) (parts []string) {
	depth, quoted, start := 0, false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"' && depth > 0:
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == ',' && depth == 0:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}
