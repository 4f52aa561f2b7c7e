package portal

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed text/*.json
var texts embed.FS

// language is a catalogue.
type language struct {
	name  string
	texts map[string]string
}

// loadLanguages reads the catalogues that come with the portal, and those of the product. The key of a rule is its English text, so English
// needs no texts of rules, and a language that lacks one shows the English text.
func loadLanguages(own map[string]map[string]string) (map[string]*language, []rule, error) {
	all := make(map[string]*language)
	for _, name := range []string{"en", "de"} {
		text, err := texts.ReadFile("text/" + name + ".json")
		if err != nil {
			return nil, nil, err
		}
		l := &language{name: name}
		if err := json.Unmarshal(text, &l.texts); err != nil {
			return nil, nil, fmt.Errorf("portal: text/%s.json: %w", name, err)
		}
		all[name] = l
	}
	text, err := texts.ReadFile("text/rules.de.json")
	if err != nil {
		return nil, nil, err
	}
	var german map[string]string
	if err := json.Unmarshal(text, &german); err != nil {
		return nil, nil, fmt.Errorf("portal: text/rules.de.json: %w", err)
	}
	maps.Copy(all["de"].texts, german)
	known := all["en"].texts
	for _, name := range slices.Sorted(maps.Keys(own)) {
		l := all[name]
		if l == nil {
			l = &language{name: name, texts: make(map[string]string)}
			all[name] = l
		}
		for key, text := range own[name] {
			_, isText := known[key]
			if _, isRule := german[key]; !isText && !isRule {
				return nil, nil, fmt.Errorf("portal: Options.Text: there is no key %q", key)
			}
			l.texts[key] = text
		}
		for key := range known {
			if _, ok := l.texts[key]; !ok {
				return nil, nil, fmt.Errorf("portal: Options.Text: the language %s has no %q", name, key)
			}
		}
	}
	return all, sortRules(german), nil
}

// languageOf is the language that was chosen, else the first that the browser prefers, else English.
func (p *Portal) languageOf(r *http.Request) *language {
	if c, err := r.Cookie(p.cookie + "-language"); err == nil && p.languages[c.Value] != nil {
		return p.languages[c.Value]
	}
	best, quality := p.languages["en"], 0.0
	accept := r.Header.Get("Accept-Language")
	if len(accept) > 500 {
		accept = accept[:500]
	}
	for part := range strings.SplitSeq(accept, ",") {
		tag, rest, _ := strings.Cut(part, ";")
		q := 1.0
		if text, ok := strings.CutPrefix(strings.TrimSpace(rest), "q="); ok {
			q, _ = strconv.ParseFloat(text, 64)
		}
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if l := p.languages[name]; l != nil && q > quality {
			best, quality = l, q
		}
	}
	return best
}

// text is a text with its arguments, which stand in it as %s or %[1]s. If the first argument is a number, the text behind the key with
// ".one" is that of 1.
func (l *language) text(key string, args ...any) string {
	if len(args) > 0 {
		args = slices.Clone(args)
		n, ok := args[0].(int)
		for i := range args {
			if n, ok := args[i].(int); ok {
				args[i] = l.number(n)
			}
		}
		if ok {
			if _, ok := l.texts[key+".one"]; ok && n == 1 {
				key += ".one"
			}
		}
	}
	text, ok := l.texts[key]
	if !ok {
		return key
	}
	if len(args) == 0 || !strings.Contains(text, "%") {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// number writes a number with separators of thousands.
func (l *language) number(n int) string {
	text := strconv.Itoa(n)
	digits := strings.TrimPrefix(text, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + l.texts["number.thousands"] + digits[i:]
	}
	return text[:len(text)-len(strings.TrimPrefix(text, "-"))] + digits
}

// date writes a date and time in the zone of t.
func (l *language) date(t time.Time) string {
	months := strings.Split(l.texts["date.months"], " ")
	month := t.Format("01")
	if len(months) == 12 {
		month = months[t.Month()-1]
	}
	return fmt.Sprintf(l.texts["date.format"], t.Day(), month, t.Year(), t.Format("15:04"), t.Format("MST"))
}

// ago says in words how long ago it was; a negative duration is how soon it will be.
func (l *language) ago(d time.Duration) string {
	key := "ago."
	if d < 0 {
		key, d = "in.", -d
	}
	for _, x := range [...]struct {
		unit string
		of   time.Duration
		most float64
	}{{"second", time.Second, 50}, {"minute", time.Minute, 55}, {"hour", time.Hour, 36}, {"day", 24 * time.Hour, 1e9}} {
		if n := math.Round(float64(d) / float64(x.of)); n < x.most {
			if x.unit == "second" && key == "ago." {
				return l.text("ago.now")
			}
			return l.text(key+x.unit, int(max(n, 1)))
		}
	}
	return ""
}

// chooseLanguage remembers a language for the browser.
func chooseLanguage(v *visit) (done, error) {
	name := v.get("language")
	if v.p.languages[name] == nil {
		return done{}, wrong(v.T("error.form"))
	}
	v.setCookie("-language", name, 365*24*time.Hour)
	back := v.get("back")
	if rest, ok := strings.CutPrefix(back, v.base); ok && strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, "//") && !strings.Contains(rest, "\\") {
		return done{to: rest}, nil
	}
	return done{to: "/"}, nil
}
