package browser

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// NeedAxe skips a test without axe-core, and returns its text.
func NeedAxe(t testing.TB) string {
	t.Helper()
	name := os.Getenv("ROLLCALL_TEST_AXE")
	if name == "" {
		t.Skip("ROLLCALL_TEST_AXE is not set: npm install --prefix /tmp/axe axe-core && export ROLLCALL_TEST_AXE=/tmp/axe/node_modules/axe-core/axe.min.js")
	}
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// Violation is a rule of axe-core that a page breaks.
type Violation struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", v.ID, v.Impact, v.Help)
	for _, n := range v.Nodes[:min(len(v.Nodes), 3)] {
		fmt.Fprintf(&b, "\n    %s\n    %s", n.HTML, strings.ReplaceAll(n.Summary, "\n", " "))
	}
	return b.String()
}

// Axe runs axe-core on the page, and returns what is wrong with it. It comes by the debugger, so that no policy of the page forbids it. Where
// scripts are off it can't run, and returns nothing.
func (x *Tab) Axe(axe string) []Violation {
	x.t.Helper()
	if x.look.NoScripts {
		return nil
	}
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	x.do("load axe-core", func(_ context.Context, t *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Evaluate[chromedp.Void](axe+";0")(ctx, t)
	})
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]Violation](`axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations)`,
		func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	require.NoError(x.t, err)
	return found
}

// Overflow says what makes the page wider than the window, so that somebody must scroll sideways to read it; "" if nothing does.
func (x *Tab) Overflow() string {
	x.t.Helper()
	return x.eval(`(() => {
		const width = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= width) return "";
		return [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 0.5).slice(-3).map((e) => e.outerHTML.slice(0, 200)).join("\n");
	})()`)
}
