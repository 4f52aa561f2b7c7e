package portal

import (
	"time"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/scim/connection"
)

// Chart is how many requests passed and were refused, by hours of the last day or days of the last week.
type Chart struct {
	Name string     `json:"name"` // hours or days
	Bars []ChartBar `json:"bars"`
}

// ChartBar is one hour or day.
type ChartBar struct {
	From    time.Time `json:"from"`
	Passed  int       `json:"passed"`
	Refused int       `json:"refused"` // refused, held and failed
}

// chartOf has a bar for each hour or day, also for those without requests.
func chartOf(name string, bars []connection.Bar, long time.Duration, n int) Chart {
	c := Chart{name, make([]ChartBar, n)}
	last := time.Now().UTC().Truncate(long)
	for i := range c.Bars {
		c.Bars[i].From = last.Add(-long * time.Duration(n-1-i))
	}
	for _, b := range bars {
		i := n - 1 - int(last.Sub(b.From)/long)
		if i < 0 || i >= n {
			continue
		}
		for outcome, count := range b.Counts {
			switch lifecycle.Outcome(outcome) {
			case lifecycle.Refused, lifecycle.Held, "failed":
				c.Bars[i].Refused += count
			default:
				c.Bars[i].Passed += count
			}
		}
	}
	return c
}

// chartView is what the template draws: an SVG of whole numbers.
type chartView struct {
	Title         string
	Width, Height int
	Bars          []barView
	Most          string
}

type barView struct {
	X, Width       int
	PassedY        int
	PassedHeight   int
	RefusedY       int
	RefusedHeight  int
	Title          string
	Label          string
	LabelX, LabelY int
}

func (c Chart) draw(v *visit) chartView {
	const width, height, room = 480, 96, 16 // of the bars; room for labels below
	out := chartView{Width: width, Height: height + room, Title: v.T("chart." + c.Name)}
	most, passed, refused := 1, 0, 0
	for _, b := range c.Bars {
		most = max(most, b.Passed+b.Refused)
		passed, refused = passed+b.Passed, refused+b.Refused
	}
	out.Title = v.T("chart."+c.Name, v.Num(passed), v.Num(refused))
	out.Most = v.T("chart.most", v.Num(most))
	step := width / len(c.Bars)
	tall := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(n*(height-4)/most, 2) // what is there is seen
	}
	for i, b := range c.Bars {
		p, r := tall(b.Passed), tall(b.Refused)
		r = min(r, height-p)
		at := b.From.In(v.zone)
		x := barView{X: i*step + 2, Width: step - 4, PassedY: height - p, PassedHeight: p, RefusedY: height - p - r, RefusedHeight: r,
			Title: v.T("chart.bar", v.language.date(at), v.Num(b.Passed), v.Num(b.Refused)), LabelX: min(max(i*step+step/2, 26), width-26), // whole, also at the edges
			LabelY: height + room - 3}
		if c.Name == "hours" && i%6 == 5 {
			x.Label = at.Format("15:04")
		} else if c.Name == "days" {
			x.Label = at.Format("02.01.")
		}
		out.Bars = append(out.Bars, x)
	}
	return out
}
