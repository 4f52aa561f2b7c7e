// Package browser drives Chromium through the portal's pages, as an administrator would. Its tests prove what only a real browser can
// tell: that the pages work with scripts and without, that everybody can use them, and that they load nothing from elsewhere.
//
// The tests need two things, and skip without them:
//
//	apt-get install --no-install-recommends chromium && export ROLLCALL_TEST_CHROMIUM=/usr/bin/chromium
//	npm install --prefix /tmp/axe axe-core && export ROLLCALL_TEST_AXE=/tmp/axe/node_modules/axe-core/axe.min.js
package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience is how long a page may take to come, or to say what is expected of it. It is long, as the machine may have a lot to do.
const patience = 60 * time.Second

// Need skips a test without Chromium.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("it needs a browser, and is long")
	}
	if os.Getenv("ROLLCALL_TEST_CHROMIUM") == "" {
		t.Skip("ROLLCALL_TEST_CHROMIUM is not set: apt-get install --no-install-recommends chromium && export ROLLCALL_TEST_CHROMIUM=/usr/bin/chromium")
	}
}

// process is the one Chromium of all tests. Each tab has a profile of its own in it.
var process struct {
	sync.Once
	ctx  context.Context
	stop context.CancelFunc
	err  error
}

func chromium() (context.Context, error) {
	process.Do(func() {
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(os.Getenv("ROLLCALL_TEST_CHROMIUM")), chromedp.NoSandbox, chromedp.DisableGPU,
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
		all, stop := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, cancel := chromedp.NewContext(all)
		process.ctx, process.stop = ctx, func() { cancel(); stop() }
		process.err = chromedp.Do(ctx)
	})
	return process.ctx, process.err
}

// Close ends Chromium, if a test has begun it.
func Close() {
	if process.stop != nil {
		process.stop()
	}
}

// Look is how somebody looks at the pages.
type Look struct {
	NoScripts bool
	Dark      bool
	Width     int64 // of the window, in pixels; 0 is 1000
}

// Tab is a window of somebody who has no cookies to begin with. It notes what the pages should not do, see [Tab.Faults].
type Tab struct {
	t      testing.TB
	ctx    context.Context
	origin string
	look   Look
	Clicks int // buttons and links that were pressed, and fields that were filled in

	mu     sync.Mutex
	faults []string
	bytes  map[network.RequestID]int // of what the last page was made of, before compression
}

// Open opens a tab for pages of one origin, until the test ends.
func Open(t testing.TB, origin string, look Look) *Tab {
	t.Helper()
	Need(t)
	parent, err := chromium()
	require.NoError(t, err, "Chromium doesn't start")
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	x := &Tab{t: t, ctx: ctx, origin: origin, look: look, bytes: map[network.RequestID]int{}}
	if x.look.Width == 0 {
		x.look.Width = 1000
	}
	require.NoError(t, chromedp.Listen(ctx, x.hear))
	x.call(func() error { _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); return err })
	x.call(func() error { // so that each page is counted whole
		_, err := chromedp.Call(ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
		return err
	})
	x.call(func() error { _, err := chromedp.Call(ctx, audits.Enable, cdp.Empty{}); return err })
	x.call(func() error { _, err := chromedp.Call(ctx, cdplog.Enable, cdp.Empty{}); return err })
	x.call(func() error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: look.NoScripts})
		return err
	})
	x.Scheme(look.Dark)
	x.Resize(x.look.Width)
	return x
}

// hear notes what the browser reports.
func (x *Tab) hear(event any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" && u.Scheme != "about" && u.Scheme+"://"+u.Host != x.origin {
			x.faults = append(x.faults, "a request to elsewhere: "+e.Request.URL)
		}
		if e.Type == network.ResourceTypeDocument {
			clear(x.bytes)
		}
	case *network.EventDataReceived:
		x.bytes[e.RequestID] += int(e.DataLength)
	case *audits.EventIssueAdded:
		x.faults = append(x.faults, fmt.Sprintf("an issue: %s %+v", e.Issue.Code, e.Issue.Details.ContentSecurityPolicyIssueDetails))
	case *cdplog.EventEntryAdded:
		// That a form was answered with 409 or the like is no fault of the page.
		if e.Entry.Level == cdplog.EntryLevelError && !strings.Contains(e.Entry.Text, "the server responded with a status of 4") {
			x.faults = append(x.faults, "the console says: "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		x.faults = append(x.faults, "an exception: "+e.ExceptionDetails.Text)
	}
}

// Faults are requests to elsewhere, violations of the Content-Security-Policy, errors of the console and exceptions until now.
func (x *Tab) Faults() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]string(nil), x.faults...)
}

// Bytes is how large the page is with its style sheet, script and images, before compression; without what came after by a stream.
func (x *Tab) Bytes() (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, size := range x.bytes {
		n += size
	}
	return n
}

func (x *Tab) call(do func() error) {
	x.t.Helper()
	require.NoError(x.t, do())
}

// do runs actions, and fails the test with the page's text if they don't succeed in time.
func (x *Tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		text, _ := chromedp.Run(x.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
		x.t.Fatalf("%s: %v\nthe page: %s", what, err, text)
	}
}

// Go opens an address, or a path of the origin.
func (x *Tab) Go(address string) {
	x.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = x.origin + address
	}
	// A page may load itself again in the moment in which another one is asked for, and so take the place of that. Then it is asked for again.
	for range 2 {
		ctx, cancel := context.WithTimeout(x.ctx, patience/4)
		err := chromedp.Do(ctx, chromedp.Navigate(address))
		cancel()
		if err == nil {
			return
		}
	}
	x.do("open "+address, chromedp.Navigate(address))
}

// Reload loads the page again.
func (x *Tab) Reload() {
	x.t.Helper()
	x.do("reload", chromedp.Reload())
}

// Press clicks what a CSS selector finds, and waits for the page that follows.
func (x *Tab) Press(selector string) {
	x.t.Helper()
	x.Clicks++
	x.do("press "+selector, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.WaitEvent(page.LoadEventFired, nil, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))(ctx, t)
		return chromedp.Void{}, err
	})
}

// Tick clicks what a CSS selector finds, where no page follows.
func (x *Tab) Tick(selector string) {
	x.t.Helper()
	x.Clicks++
	x.do("click "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Confirm presses the button of a form that asks to be sure. With scripts it asks by a second click.
func (x *Tab) Confirm(selector string) {
	x.t.Helper()
	if !x.look.NoScripts {
		x.Tick(selector)
	}
	x.Press(selector)
}

// Fill types into a field.
func (x *Tab) Fill(selector, value string) {
	x.t.Helper()
	x.Clicks++
	x.do("fill "+selector, chromedp.Clear(chromedp.CSS(selector), chromedp.NodeVisible), chromedp.SendKeys(chromedp.CSS(selector), value))
}

// Choose takes an option of a select.
func (x *Tab) Choose(selector, value string) {
	x.t.Helper()
	x.Clicks++
	x.do("choose "+selector, chromedp.SetValue(chromedp.CSS(selector), value, chromedp.NodeVisible))
}

// See waits until a CSS selector finds something visible.
func (x *Tab) See(selector string) {
	x.t.Helper()
	x.do("see "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Has says whether a CSS selector finds anything now.
func (x *Tab) Has(selector string) bool {
	x.t.Helper()
	return x.eval(fmt.Sprintf("document.querySelector(%q) !== null", selector)) == "true"
}

// Text is what a CSS selector finds, as it is shown.
func (x *Tab) Text(selector string) string {
	x.t.Helper()
	x.See(selector)
	return strings.TrimSpace(x.eval(fmt.Sprintf("document.querySelector(%q).innerText", selector)))
}

// Path is where the tab is, without the origin.
func (x *Tab) Path() string {
	x.t.Helper()
	return strings.TrimPrefix(x.eval("location.href"), x.origin)
}

// Until loads the page again and again until what a CSS selector finds says what a regular expression matches. With scripts it waits: the
// page must change by itself.
func (x *Tab) Until(selector, expression string) {
	x.t.Helper()
	began, want := time.Now(), regexp.MustCompile(expression)
	got := ""
	for time.Since(began) < patience {
		if x.Has(selector) {
			if got = x.eval(fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector)); want.MatchString(strings.TrimSpace(got)) {
				return
			}
		}
		if x.look.NoScripts {
			x.Reload()
		}
		select { // the page has its own pace
		case <-x.ctx.Done():
			x.t.Fatal(x.ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
	x.t.Fatalf("%s never said %q: %s\nthe page: %s", selector, expression, got, x.eval("document.body.innerText"))
}

// eval evaluates an expression in the page, also where scripts are off, and returns its value as text.
func (x *Tab) eval(expression string) string {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	for {
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expression+")"))
		if err == nil {
			return text
		}
		// The page may just be replaced by the next one.
		if ctx.Err() != nil || !strings.Contains(err.Error(), "context") && !strings.Contains(err.Error(), "navigated") {
			x.t.Fatalf("%s: %v", expression, err)
		}
	}
}

// Scheme sets whether the person prefers dark colours.
func (x *Tab) Scheme(dark bool) {
	x.t.Helper()
	value := "light"
	if dark {
		value = "dark"
	}
	x.look.Dark = dark
	x.call(func() error {
		_, err := chromedp.Call(x.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	})
}

// Resize sets the width of the window.
func (x *Tab) Resize(width int64) {
	x.t.Helper()
	x.look.Width = width
	x.do("resize", chromedp.EmulateViewport(width, 800))
}

// Links are the addresses of the portal's pages that this one leads to, without downloads.
func (x *Tab) Links() (paths []string) {
	x.t.Helper()
	for href := range strings.FieldsSeq(x.eval(`[...document.querySelectorAll("a[href]")].map((a) => a.href).join(" ")`)) {
		href, _, _ = strings.Cut(href, "#")
		if path, ok := strings.CutPrefix(href, x.origin); ok && !strings.Contains(path, ".csv") && !strings.Contains(path, ".jsonl") {
			paths = append(paths, path)
		}
	}
	return paths
}

// Attribute is an attribute of what a CSS selector finds.
func (x *Tab) Attribute(selector, name string) string {
	x.t.Helper()
	return x.eval(fmt.Sprintf("document.querySelector(%q)?.getAttribute(%q)", selector, name))
}

// Scripts says whether scripts are on.
func (x *Tab) Scripts() bool { return !x.look.NoScripts }
