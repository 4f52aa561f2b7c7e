// Package guide has the set-up guides of the portal: for each identity provider the steps by which an administrator connects it, in the words
// that the identity provider's own pages use, in English and German.
//
// A guide is data. Its text holds placeholders such as {baseURL}, which are filled in for one customer, and slots such as {attributes}, where the
// portal inserts something of its own: the table of the product's attributes, the form that issues a credential. It holds no HTML: templates
// walk its blocks and spans, and html/template escapes each of them. [Markdown] writes the same guide for a product's help pages.
//
// A product replaces a whole guide or a single section of it, or adds a language, by files of the same form (see [New]).
package guide

import (
	"maps"
	"slices"
	"strings"
)

// Placeholder is a name in braces that stands for a value of one customer. A text with an unknown one is refused.
type Placeholder string

// The placeholders.
const (
	Product      Placeholder = "product"      // the product's name
	Tenant       Placeholder = "tenant"       // the customer's name
	BaseURL      Placeholder = "baseURL"      // where SCIM is served, without a slash in the end
	Token        Placeholder = "token"        // a bearer token, which is shown once
	TokenURL     Placeholder = "tokenURL"     // where OAuth clients get access tokens
	ClientID     Placeholder = "clientID"     // of an OAuth client or a federated credential
	ClientSecret Placeholder = "clientSecret" // of an OAuth client, which is shown once
	Issuer       Placeholder = "issuer"       // whose assertions a federated credential trusts
	Subject      Placeholder = "subject"      // whom they must be about
	Audience     Placeholder = "audience"     // whom they must be for
	JWKS         Placeholder = "jwks"         // the address of the keys that sign them
	Support      Placeholder = "support"      // how the product's support is reached
)

// Placeholders are all that a text may hold.
var Placeholders = []Placeholder{Product, Tenant, BaseURL, Token, TokenURL, ClientID, ClientSecret, Issuer, Subject, Audience, JWKS, Support}

// Values are what stands in the place of the placeholders.
type Values map[Placeholder]string

// Slot is a place of its own line where whoever shows the guide inserts something.
type Slot string

// The slots.
const (
	SlotCredential Slot = "credential" // issue the credential of the guide's kind, and show it once
	SlotFederation Slot = "federation" // the form for issuer, subject, audience and keys of a federated credential
	SlotAttributes Slot = "attributes" // the table of the product's attributes
	SlotGroups     Slot = "groups"     // what each group becomes in the product
	SlotTest       Slot = "test"       // waiting for the test call, and what was wrong with it
)

// Slots are all that a guide may hold.
var Slots = []Slot{SlotCredential, SlotFederation, SlotAttributes, SlotGroups, SlotTest}

// Guide is how one identity provider is connected in one way. Guides are shared by all readers: don't change one.
type Guide struct {
	ID         string // such as "entra-oauth"
	Language   string // such as "de"; it may be another than was asked for, see [Library.Guide]
	Provider   string // as package connection spells it, such as "entra"
	Credential string // the kind of credential that its steps need: "bearer", "client" or "federation"
	Name       string // of the identity provider
	Way        string // in which it is connected, in a few words; empty where there is one only
	Checked    string // the month in which the words were last compared with those of the provider, such as "2026-11"

	Summary       []Block
	Steps         []Step
	FailuresTitle Text
	Failures      []Failure
	// Sources are what the identity provider calls the values that it can send, by the path of the SCIM attribute.
	Sources map[string]Text
}

// Step is one part of a guide. Its id is the same in all languages.
type Step struct {
	ID     string
	Title  Text
	Blocks []Block
}

// Kind is what a block is.
type Kind string

// The kinds of blocks, with the fields that each has.
const (
	Paragraph Kind = "paragraph" // Text
	Note      Kind = "note"      // Text: something to look out for
	Code      Kind = "code"      // Text, with line breaks: to be copied as it is
	Actions   Kind = "actions"   // Items: what to do, one after the other
	List      Kind = "list"      // Items
	Table     Kind = "table"     // Head and Rows
	Insert    Kind = "insert"    // Slot
)

// Block is a paragraph or the like.
type Block struct {
	Kind  Kind
	Text  Text
	Items []Text
	Head  []Text
	Rows  [][]Text
	Slot  Slot
}

// Failure is one way in which a connection fails, what that means, and what helps.
type Failure struct {
	Status int // the status of the answer, such as 401; 0: it isn't known by one
	Sign   Text
	Means  Text
	Cure   Text
}

// Text is a line of text.
type Text []Span

// Span is a piece of text of one style.
type Span struct {
	Style       Style
	Text        string
	Placeholder Placeholder // that Text stands for; empty: the text is the guide's own
	Missing     bool        // there is no value for the placeholder, and Text says in words what it would be
}

// Style is how a span is set.
type Style string

// The styles.
const (
	Plain Style = ""
	Label Style = "label" // what a button, menu or field is called
	Value Style = "value" // what is entered or read, letter by letter
)

// String is the text without its styles.
func (t Text) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Text)
	}
	return b.String()
}

// With returns the guide with values in the place of its placeholders. Those without a value say in words what would stand there.
func (g *Guide) With(v Values) *Guide {
	fill := func(t Text) Text {
		t = slices.Clone(t)
		for i := range t {
			if s := &t[i]; s.Placeholder != "" && v[s.Placeholder] != "" {
				s.Text, s.Missing = v[s.Placeholder], false
			}
		}
		return t
	}
	c := *g
	c.Summary = fillBlocks(g.Summary, fill)
	c.Steps = slices.Clone(g.Steps)
	for i := range c.Steps {
		c.Steps[i].Title, c.Steps[i].Blocks = fill(c.Steps[i].Title), fillBlocks(c.Steps[i].Blocks, fill)
	}
	c.FailuresTitle = fill(g.FailuresTitle)
	c.Failures = slices.Clone(g.Failures)
	for i := range c.Failures {
		f := &c.Failures[i]
		f.Sign, f.Means, f.Cure = fill(f.Sign), fill(f.Means), fill(f.Cure)
	}
	c.Sources = maps.Clone(g.Sources)
	for path, t := range c.Sources {
		c.Sources[path] = fill(t)
	}
	return &c
}

func fillBlocks(blocks []Block, fill func(Text) Text) []Block {
	blocks = slices.Clone(blocks)
	for i := range blocks {
		b := &blocks[i]
		b.Text, b.Items, b.Head = fill(b.Text), fillAll(b.Items, fill), fillAll(b.Head, fill)
		b.Rows = slices.Clone(b.Rows)
		for j := range b.Rows {
			b.Rows[j] = fillAll(b.Rows[j], fill)
		}
	}
	return blocks
}

func fillAll(texts []Text, fill func(Text) Text) []Text {
	texts = slices.Clone(texts)
	for i := range texts {
		texts[i] = fill(texts[i])
	}
	return texts
}

// Step finds a step by its id; it is nil if there is none.
func (g *Guide) Step(id string) *Step {
	if i := slices.IndexFunc(g.Steps, func(s Step) bool { return s.ID == id }); i >= 0 {
		return &g.Steps[i]
	}
	return nil
}

// Failure finds what an answer of a status means; it is nil if the guide doesn't say.
func (g *Guide) Failure(status int) *Failure {
	if i := slices.IndexFunc(g.Failures, func(f Failure) bool { return f.Status != 0 && f.Status == status }); i >= 0 {
		return &g.Failures[i]
	}
	return nil
}
