package portal

// Patterns are the paths of all pages and forms with what each needs, so that no test forgets one.
func Patterns() (gets, posts []Pattern) {
	for _, x := range allPages() {
		gets = append(gets, Pattern{x.path, x.needs, x.open})
	}
	for _, x := range allForms() {
		posts = append(posts, Pattern{x.path, x.needs, x.open})
	}
	return gets, posts
}

// Pattern is a page or form.
type Pattern struct {
	Path  string
	Needs Ability
	Open  bool
}

// Explain is a text of the library in a language.
func (p *Portal) Explain(language, text string) string {
	return p.explain(p.languages[language], text).String()
}

// MostCounted is how many people are looked at to count them.
const MostCounted = mostCounted
