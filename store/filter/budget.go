package filter

import "github.com/rollcall-dev/rollcall/store/document"

// Budget is the number of comparisons that may still be made for one request (I18), so that a short request can't cause minutes of
// work. It belongs to that request and is not safe for concurrent use. A negative Budget is exceeded: results of matches since then
// mean nothing.
type Budget int

// textUnit is the number of bytes of a text that count as one more comparison.
const textUnit = 64

// Spend takes n comparisons from the budget, and says whether it had them.
func (b *Budget) Spend(n int) bool {
	if *b >= 0 {
		*b = max(*b-Budget(n), -1)
	}
	return *b >= 0
}

// spend does what Spend does. A budget that is nil has no limit.
func (b *Budget) spend(n int) bool { return b == nil || b.Spend(n) }

// Exceeded says whether more comparisons were made than the budget had.
func (b *Budget) Exceeded() bool { return *b < 0 }

// MatchElement does what the function [MatchElement] does, and takes its comparisons from the budget. If the budget is exceeded afterwards,
// the result means nothing.
func (b *Budget) MatchElement(where Expr, elem document.Value) bool {
	return (&scope{elem: elem, budget: b}).match(where)
}
