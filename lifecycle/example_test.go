package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim"
	"github.com/rollcall-dev/rollcall/store"
	"github.com/rollcall-dev/rollcall/store/document"
	"github.com/rollcall-dev/rollcall/store/storetest"
)

// must is for examples: a product looks at the error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// send is a request of an identity provider; it prints the status and, of an error, the detail.
func send(h http.Handler, method, path, body string) (location string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	fmt.Print(w.Code)
	if w.Code >= 400 {
		fmt.Print(" ", must(document.Parse(w.Body.String(), 0)).Get("detail").Text())
	}
	fmt.Println()
	return strings.TrimPrefix(w.Header().Get("Location"), "http://example.com")
}

// A product is told what happens to people, by whatever way it happens. Deactivated comes first when somebody loses access: there it
// ends the sessions.
func ExampleHooks() {
	service := must(lifecycle.New(storetest.NewFake(), &lifecycle.Options{
		Hooks: lifecycle.Hooks{
			Provisioned: func(_ context.Context, e *lifecycle.Event) error { fmt.Println("welcome", e.UserName); return nil },
			Deactivated: func(_ context.Context, e *lifecycle.Event) error {
				fmt.Println("end the sessions of", e.UserName)
				return nil
			},
		},
	}))
	ctx, ann := context.Background(), lifecycle.Request{Tenant: "acme", Who: "ann"}
	ada := must(service.Add(ctx, ann, lifecycle.Identity{UserName: "ada@acme.example"}))
	must(service.Suspend(ctx, ann, ada.ID))
	// Output:
	// welcome ada@acme.example
	// end the sessions of ada@acme.example
}

// A product asks at each sign-in. The first one of a period of access bills, and the answer says why somebody isn't let in.
func ExampleService_Login() {
	service := must(lifecycle.New(storetest.NewFake(), nil))
	ctx, ann := context.Background(), lifecycle.Request{Tenant: "acme", Who: "ann"}
	ada := must(service.Add(ctx, ann, lifecycle.Identity{UserName: "ada@acme.example"}))

	for range 2 {
		login := must(service.Login(ctx, "acme", lifecycle.Identity{UserName: "Ada@acme.example"}))
		fmt.Println(login.ID == ada.ID, login.State, login.FirstLogin, login.Billed)
	}
	must(service.Suspend(ctx, ann, ada.ID))
	for _, name := range []string{"ada@acme.example", "eve@acme.example"} {
		_, err := service.Login(ctx, "acme", lifecycle.Identity{UserName: name})
		var denied *lifecycle.Denied
		fmt.Println(errors.As(err, &denied), denied.Reason)
	}
	// Output:
	// true active true true
	// true active false false
	// true suspended
	// true unknown
}

// A policy is data. It begins with the defaults, and a word that isn't one is an error at the door.
func ExampleSettings() {
	settings := lifecycle.DefaultSettings()
	settings.Review = true          // new people wait until an administrator approves
	settings.Deprovision = "delete" // active=false deletes
	fmt.Println(settings.Validate())

	settings.Deprovision = "explode"
	fmt.Println(settings.Validate())

	_, err := lifecycle.New(storetest.NewFake(), &lifecycle.Options{Settings: lifecycle.FixedSettings{Review: true}})
	fmt.Println(err)
	// Output:
	// <nil>
	// deprovision: want one of [suspend deactivate delete], got "explode"
	// lifecycle: Options.Settings: scim, sso, manual, suspendManaged and planAllows are all false, so that nobody gets in: begin with lifecycle.DefaultSettings() and change what differs
}

// The settings of each tenant are kept in the store. When Set returns, no process goes by the old ones any more.
func ExampleStoredSettings() {
	s := storetest.NewFake()
	settings := &lifecycle.StoredSettings{Store: s, MaxAge: 1} // one nanosecond: this example is the only process
	h := must(scim.NewHandler(s, &scim.Options{
		Auth:      scim.NoAuth{Tenant: "acme"},
		Lifecycle: lifecycle.Options{Settings: settings},
	}))
	ctx := context.Background()
	ours := must(settings.Settings(ctx, "acme"))
	seats := 1
	ours.SeatLimit, ours.Plan = &seats, "Team"
	if err := settings.Set(ctx, "acme", ours); err != nil {
		panic(err)
	}
	send(h, "POST", "/Users", `{"userName":"ada@acme.example"}`)
	send(h, "POST", "/Users", `{"userName":"eve@acme.example"}`)
	// Output:
	// 201
	// 403 all 1 seats of this organization's plan are in use; deactivate somebody or enlarge the plan, and try again
}

// A guard may refuse a change before anything is written. What it says is what the identity provider's administrator reads.
func ExampleGuard() {
	ownDomain := func(_ context.Context, _ *lifecycle.Request, p *lifecycle.Proposal) error {
		name := p.After.Get("userName").Text()
		if p.Key.Type == "User" && !p.Removal && !strings.HasSuffix(name, "@acme.example") {
			return &lifecycle.Refusal{Reason: lifecycle.Invalid, Attribute: "userName", Detail: "want an address at acme.example"}
		}
		return nil
	}
	h := must(scim.NewHandler(storetest.NewFake(), &scim.Options{
		Auth:      scim.NoAuth{Tenant: "acme"},
		Lifecycle: lifecycle.Options{Guards: []lifecycle.Guard{ownDomain}},
	}))
	send(h, "POST", "/Users", `{"userName":"ada@acme.example"}`)
	send(h, "POST", "/Users", `{"userName":"ada@elsewhere.example"}`)
	// Output:
	// 201
	// 400 userName: want an address at acme.example
}

// Groups that mean something to the product are protected from the identity provider by their names.
func ExampleProtectGroups() {
	s := storetest.NewFake()
	h := must(scim.NewHandler(s, &scim.Options{
		Auth:      scim.NoAuth{Tenant: "acme"},
		Lifecycle: lifecycle.Options{Guards: []lifecycle.Guard{lifecycle.ProtectGroups("Owners")}},
	}))
	owners := send(h, "POST", "/Groups", `{"displayName":"Owners"}`)
	send(h, "DELETE", owners, "")
	// Output:
	// 201
	// 403 the group "Owners" is protected by the product: an identity provider may add members, but not remove them, rename the group or delete it
}

// Run delivers in the background: a hook that fails is called again.
func ExampleService_Run() {
	told := make(chan int, 2)
	service := must(lifecycle.New(storetest.NewFake(), &lifecycle.Options{
		Delivery: lifecycle.Delivery{Backoff: 1}, // no pause before the second attempt
		Hooks: lifecycle.Hooks{Provisioned: func(_ context.Context, e *lifecycle.Event) error {
			told <- e.Attempt
			if e.Attempt == 1 {
				return errors.New("the mail server is away")
			}
			return nil
		}},
	}))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- service.Run(ctx) }() // in each process, beside the HTTP server

	must(service.Add(ctx, lifecycle.Request{Tenant: "acme", Who: "ann"}, lifecycle.Identity{UserName: "ada@acme.example"}))
	fmt.Println("attempt", <-told)
	fmt.Println("attempt", <-told)
	stop()
	fmt.Println(<-ended)
	// Output:
	// attempt 1
	// attempt 2
	// <nil>
}

// People who are in the product already are taken over from a file. It may be imported again.
func ExampleService_Import() {
	service := must(lifecycle.New(storetest.NewFake(), nil))
	const file = "userName,givenName,familyName,firstLogin,groups\n" +
		"ada@acme.example,Ada,Lovelace,2024-05-01T09:00:00Z,Board;Engine\n" +
		"eve@acme.example,Eve,Ebert,,Engine\n" +
		",Nobody,,,\n"
	for range 2 {
		count := must(service.Import(context.Background(), "acme", lifecycle.PeopleFromCSV(strings.NewReader(file)), nil))
		fmt.Printf("%+v\n", count)
	}
	login := must(service.Login(context.Background(), "acme", lifecycle.Identity{UserName: "ada@acme.example"}))
	fmt.Println("first login:", login.FirstLogin)
	// Output:
	// {Imported:2 Linked:0 Conflict:0 Invalid:1 Unchanged:0}
	// {Imported:0 Linked:0 Conflict:0 Invalid:1 Unchanged:2}
	// first login: false
}

// A brake stops an accident at the identity provider before it takes access from too many people, until somebody of the product
// releases it.
func ExampleBrake() {
	most := 10
	h := must(scim.NewHandler(storetest.NewFake(), &scim.Options{
		Auth: scim.NoAuth{Tenant: "acme"},
		Lifecycle: lifecycle.Options{Safety: func() lifecycle.Safety {
			return lifecycle.Safety{People: &lifecycle.Brake{Max: &most, Window: lifecycle.Window(3_600e9)}}
		}},
	}))
	statuses := func(request func(i int) int) map[int]int {
		count := map[int]int{}
		for i := range 12 {
			count[request(i)]++
		}
		return count
	}
	call := func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code, w.Header().Get("Location")
	}
	var people []string
	fmt.Println(statuses(func(i int) int {
		status, location := call("POST", "/Users", fmt.Sprintf(`{"userName":"user%d"}`, i))
		people = append(people, strings.TrimPrefix(location, "http://example.com"))
		return status
	}))
	fmt.Println(statuses(func(i int) int { status, _ := call("DELETE", people[i], ""); return status }))

	ann := lifecycle.Request{Tenant: "acme", Who: "ann"}
	if err := h.Lifecycle().Release(context.Background(), ann, lifecycle.Release{Count: 2}); err != nil {
		panic(err)
	}
	fmt.Println(statuses(func(i int) int { status, _ := call("DELETE", people[i], ""); return status }))
	// Output:
	// map[201:12]
	// map[204:10 429:2]
	// map[204:2 404:10]
}

// The journal says of each write what became of it, and of a refusal what would have passed.
func ExampleService_Journal() {
	h := must(scim.NewHandler(storetest.NewFake(), &scim.Options{Auth: scim.NoAuth{Tenant: "acme"}}))
	send(h, "POST", "/Users", `{"userName":"ada","active":"perhaps"}`)
	send(h, "POST", "/Users", `{"userName":"ada"}`)
	entries, _, err := h.Lifecycle().Journal(context.Background(), lifecycle.JournalQuery{Tenant: "acme"})
	for _, e := range entries {
		fmt.Printf("%s: %s %s%s\n", e.Operation, e.Outcome, e.Name, e.Detail)
	}
	fmt.Println(err)
	// Output:
	// 400 active: want true or false, got "perhaps"
	// 201
	// POST /Users: created ada
	// POST /Users: refused active: want true or false, got "perhaps"
	// <nil>
}

// Others than the hooks are told in their own time: each consumer has its own order, retries and lag.
func ExampleConsumer() {
	told := make(chan string, 1)
	search := lifecycle.Consumer{
		Name:  "search-index",
		Kinds: []lifecycle.Kind{lifecycle.KindGroupCreated},
		Hooks: lifecycle.Hooks{Any: func(_ context.Context, e *lifecycle.Event) error {
			told <- e.After.Get("displayName").Text()
			return nil
		}},
	}
	service := must(lifecycle.New(storetest.NewFake(), &lifecycle.Options{Consumers: []lifecycle.Consumer{search}}))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = service.Run(ctx) }()

	crew := document.Object(document.Field{Name: "displayName", Value: document.String("Crew")})
	must(service.Do(ctx, &lifecycle.Request{Tenant: "acme", By: lifecycle.SourceManual, Who: "ann"}, func(context.Context) (lifecycle.Draft, error) {
		return lifecycle.Draft{Key: store.Key{Tenant: "acme", Type: "Group"}, After: crew}, nil
	}))
	fmt.Println(<-told)
	// Output:
	// Crew
}
