package filter

import "github.com/rollcall-dev/rollcall/store/document"

// Budget is how many comparisons may still be made for one request (I18), so that a short request can't ask for minutes of
// work. It belongs to that request and is not safe for concurrent use. Below zero it is exceeded, and whatever was matched
// since is worth nothing.
type Budget int

// textUnit is how many bytes of a text count as one comparison more.
const textUnit = 64

// Spend takes n comparisons from the budget, and says whether it had them.
func (b *Budget) Spend(n int) bool {
	if *b >= 0 {
		*b = max(*b-Budget(n), -1)
	}
	return *b >= 0
}

// spend is Spend of a budget that may be nil, which has no end.
func (b *Budget) spend(n int) bool { return b == nil || b.Spend(n) }

// Exceeded says whether more was asked of the budget than it had.
func (b *Budget) Exceeded() bool { return *b < 0 }

// MatchElement returns the function MatchElement within the budget. If the budget is exceeded afterwards, the result counts for
// nothing.
func (b *Budget) MatchElement(where Expr, elem document.Value) bool {
	return (&scope{elem: elem, budget: b}).match(where)
}
