package mapping_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rollcall-dev/rollcall/mapping"
	"github.com/rollcall-dev/rollcall/store/document"
)

// Account is a product's own type.
type Account struct {
	Login  string   `scim:"userName,required" validate:"email"`
	Name   string   `scim:"displayName,trim,create"`
	Mobile string   `scim:"phoneNumbers[type eq \"mobile\"].value" validate:"omitempty,phone_cc"`
	Role   string   `scim:"roles[primary eq true].value,map=IdP-Admin:admin|IdP-User:user"`
	Skills []string `scim:"urn:example:hr:skills"`
	Active bool     `scim:"active"`
}

const fromProvider = `{"userName":"ada@example.com","displayName":"Ada ","active":true,
	"phoneNumbers":[{"type":"mobile","value":"+44 2012345678"}],"roles":[{"value":"IdP-Admin","primary":true}]}`

// The tags of a product's type say which attributes its fields hold.
func ExampleFor() {
	m, err := mapping.For[Account]()
	if err != nil {
		panic(err) // the error names the field and its tag
	}
	sent, _ := document.Parse(fromProvider, 0)
	var a Account
	if _, err := m.Create(sent, &a); err != nil {
		panic(err)
	}
	fmt.Printf("%+v\n", a)

	bad, _ := document.Parse(`{"userName":"ada@example.com","phoneNumbers":[{"type":"mobile","value":"12345"}]}`, 0)
	_, err = m.Create(bad, &a)
	fmt.Println(err)
	// Output:
	// {Login:ada@example.com Name:Ada Mobile:+44 2012345678 Role:admin Skills:[] Active:true}
	// phoneNumbers[type eq "mobile"].value: want <country_prefix> <telephone_number>, such as +49 301234567, got "12345"
}

// Update changes only the fields whose attributes changed, and says which attributes it didn't take.
func ExampleMapping_Update() {
	m, _ := mapping.For[Account]()
	before, _ := document.Parse(`{"userName":"ada@example.com","displayName":"Ada","active":true}`, 0)
	after, _ := document.Parse(`{"userName":"ada@example.com","displayName":"Countess","active":false}`, 0)
	a := Account{Login: "ada@example.com", Name: "Ada", Active: true}
	out, err := m.Update(before, after, &a)
	fmt.Println(a.Name, a.Active, out.Changed, out.Ignored, string(out.Attributes.Document()), err)
	// Output: Ada false [{Active active}] [displayName "Countess" was ignored: it is taken only at creation; "Ada" holds] {"userName":"ada@example.com","displayName":"Ada","active":false} <nil>
}

// Each tenant may have rules of its own, stored as JSON.
func ExampleLoadRules() {
	rules, err := mapping.LoadRules(strings.NewReader(`[
		{"path": "emails[type eq \"work\"].value", "field": "Login", "apply": ["trim", "fold"], "required": true, "validate": "email"},
		{"path": "userType", "field": "Role", "apply": ["map"], "map": {"Boss": "admin", "Staff": "user"}}]`))
	if err != nil {
		panic(err)
	}
	m, err := mapping.Compile[Account](&mapping.Options{Rules: rules})
	if err != nil {
		panic(err)
	}
	sent, _ := document.Parse(`{"userName":"x","emails":[{"type":"work","value":"Ada@Example.com"}],"userType":"boss"}`, 0)
	var a Account
	_, err = m.Create(sent, &a)
	fmt.Println(a.Login, a.Role, err)

	sent.Set("userType", document.String("clown"))
	_, err = m.Create(sent, &a)
	var invalid *mapping.InvalidError
	fmt.Println(errors.As(err, &invalid), err)
	// Output:
	// ada@example.com admin <nil>
	// true userType: want one of Boss, Staff, got "clown"
}

// The drift report lists the attributes in which the identity provider and the product differ.
func ExampleMapping_Drift() {
	m, _ := mapping.For[Account]()
	sent, _ := document.Parse(`{"userName":"ada@example.com","displayName":"Ada","active":true}`, 0)
	for _, d := range m.Drift(sent, &Account{Login: "ada@example.com", Name: "Countess", Active: true}) {
		fmt.Println(d.Path, d.Authority, d.Provider, d.Product)
	}
	// Output:
	// displayName create "Ada" "Countess"
}

// One field may hold several attributes, by functions of the product.
func ExampleComposed() {
	type Guest struct {
		Login    string `scim:"userName"`
		FullName string
	}
	m := mapping.Must(mapping.Compile[Guest](&mapping.Options{Composed: []mapping.Composed{{
		Paths: []string{"name.givenName", "name.familyName"}, Fields: []string{"FullName"},
		In: func(a []string) ([]string, error) { return []string{strings.TrimSpace(a[0] + " " + a[1])}, nil },
		Out: func(f []string) []string {
			given, family, _ := strings.Cut(f[0], " ")
			return []string{given, family}
		},
	}}}))
	sent, _ := document.Parse(`{"userName":"ada","name":{"givenName":"Ada","familyName":"King"}}`, 0)
	var g Guest
	_, err := m.Create(sent, &g)
	fmt.Println(g.FullName, err)
	g.FullName = "Ada Lovelace" // the product changes it
	fmt.Println(string(document.AppendJSON(nil, m.ToSCIM(&g))))
	// Output:
	// Ada King <nil>
	// {"userName":"ada","name":{"givenName":"Ada","familyName":"Lovelace"}}
}
