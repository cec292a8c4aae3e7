// Maps no wider than the page, in their own shape.
const room = document.documentElement.clientWidth - 210  // beside the frame: labels, colours
for (const plot of plots) {
    const share = room / plot.frame_width
    if (share >= 1) continue
    plot.setv({frame_width: room, frame_height: Math.round(share * plot.frame_height), toolbar_location: "above"})
}

// Figures take their colours from the page's styles when they are drawn; only colour bars have to be told.
const colour = () => {
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink")
    for (const plot of plots) for (const bar of plot.right) bar.major_label_text_color = ink
    for (const model of Bokeh.documents[0]._all_models.values()) if (model.type === "Figure") model.change.emit()
}
colour()
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", colour)
