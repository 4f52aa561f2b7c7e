package browser

import (
	"bytes"
	"cmp"
	"context"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// tallest is the height of a screenshot at most, in pixels: what is below is left out.
const tallest = 1600

// Screen is a picture of the page, as a PNG of at most 256 colours.
func (x *Tab) Screen() []byte {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	shot, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		size, err := cdp.Call(ctx, t, page.GetLayoutMetrics, cdp.Empty{})
		if err != nil {
			return nil, err
		}
		shot, err := cdp.Call(ctx, t, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true), Clip: &page.Viewport{
			Width: float64(x.look.Width), Height: min(size.CSSContentSize.Height, tallest), Scale: 1}})
		return shot.Data, err
	})
	require.NoError(x.t, err)
	picture, err := png.Decode(bytes.NewReader(shot))
	require.NoError(x.t, err)
	var small bytes.Buffer
	require.NoError(x.t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, paletted(picture)))
	return small.Bytes()
}

// paletted keeps the 256 colours that a picture has most of, and shows each other one by the nearest of them. Pages have few colours.
func paletted(picture image.Image) *image.Paletted {
	counts := map[color.RGBA]int{}
	at := func(px, py int) color.RGBA { return color.RGBAModel.Convert(picture.At(px, py)).(color.RGBA) }
	b := picture.Bounds()
	for py := b.Min.Y; py < b.Max.Y; py++ {
		for px := b.Min.X; px < b.Max.X; px++ {
			counts[at(px, py)]++
		}
	}
	order := slices.SortedFunc(maps.Keys(counts), func(p, q color.RGBA) int {
		return cmp.Or(counts[q]-counts[p], cmp.Compare(uint32(p.R)<<16|uint32(p.G)<<8|uint32(p.B), uint32(q.R)<<16|uint32(q.G)<<8|uint32(q.B)))
	})
	palette := make(color.Palette, 0, 256)
	index := map[color.RGBA]uint8{}
	for i, c := range order {
		if i < 256 {
			palette = append(palette, c)
		}
		index[c] = uint8(palette.Index(c))
	}
	out := image.NewPaletted(b, palette)
	for py := b.Min.Y; py < b.Max.Y; py++ {
		for px := b.Min.X; px < b.Max.X; px++ {
			out.SetColorIndex(px, py, index[at(px, py)])
		}
	}
	return out
}
