/** The user interface of the page, around a `Viewer`. */
import { download, element } from "./dom.js";
import { Header } from "./header.js";
import { Help } from "./help.js";
import { listenToKeys } from "./keys.js";
import { Look } from "./look.js";
import { LookThrough } from "./look_through.js";
import { Memory } from "./memory.js";
import { Notices, emptyWords } from "./notices.js";
import { RunView } from "./run_view.js";
import { Tabs } from "./tabs.js";
import { Timeline } from "./timeline.js";
import { AdvicePanel } from "./panels/advice_panel.js";
import { FilesPanel } from "./panels/files_panel.js";
import { FramePanel } from "./panels/frame_panel.js";
import { LoopsPanel } from "./panels/loops_panel.js";
import { MarksPanel } from "./panels/marks_panel.js";
import { MeasurePanel } from "./panels/measure_panel.js";
import { ViewPanel } from "./panels/view_panel.js";
import { MODES } from "./panels/legend.js";
import { SceneTools } from "../tools/scene_tools.js";

/** Header, panels, time line and help; they ask the viewer, and tell it what the user wants. */
export class App {
  /** @param {any} viewer a `Viewer` that has its first state @param {HTMLElement} root where the page goes */
  constructor(viewer, root) {
    this.viewer = viewer;
    this.run = new RunView(viewer);
    this.memory = new Memory(this.run.state?.run.name ?? "");
    this.notices = new Notices();
    this.look = new Look(this.run);
    this.tools = new SceneTools(this.run, this.memory, {
      changed: () => this.#toolsChanged(),
      say: (text) => this.notices.say(text),
    });
    this.#makePanels();
    this.timeline = new Timeline(this.run, this.memory, (row, playing) => this.#movedInTime(row, playing));
    const through = new LookThrough(this.run, this.memory);
    this.tools.overlay.root.prepend(through.image);
    this.shortcuts = this.#shortcuts();
    this.help = new Help(this.shortcuts);
    this.header = new Header(this.run, [
      ["Screenshot", "PNG", "P", () => this.screenshot()],
      ["Help", "?", "?", () => this.help.open()],
    ]);
    this.empty = element("p", { class: "empty", role: "status", hidden: true });
    root.append(
      this.tools.overlay.root,
      this.header.root,
      this.tabs.root,
      this.timeline.root,
      through.control,
      this.empty,
      this.notices.root,
      this.help.root,
    );
    listenToKeys(this.shortcuts);
    this.#listen();
  }

  #makePanels() {
    const show = (row) => this.select(row);
    this.frame = new FramePanel(this.run, this.memory);
    this.measure = new MeasurePanel(this.tools.measurements, () => this.#toolsChanged());
    this.marks = new MarksPanel(this.tools.marks, {
      pick: () => this.tools.begin("mark"),
      changed: () => this.tools.overlay.draw(),
      say: (text) => this.notices.say(text),
    });
    const advice = new AdvicePanel(this.run, (row) => this.#showAdvice(row));
    this.tabs = new Tabs(
      [
        { id: "view", title: "View", root: new ViewPanel(this.run, this.look, this.memory).root },
        { id: "frame", title: "Frame", root: this.frame.root },
        { id: "advice", title: "Advice", root: advice.root },
        { id: "loops", title: "Loops", root: new LoopsPanel(this.run, show).root },
        { id: "measure", title: "Measure", root: this.measure.root },
        { id: "marks", title: "Marks", root: this.marks.root, onopen: () => this.marks.onopen() },
        { id: "files", title: "Files", root: new FilesPanel(this.run).root },
      ],
      this.memory,
    );
  }

  #listen() {
    const { viewer } = this;
    viewer.on("select", (row) => this.#selected(row));
    viewer.on("state", () => this.#stateCame());
    if (viewer.selected !== null && viewer.selected !== undefined) this.#selected(viewer.selected);
    this.#stateCame();
  }

  #stateCame() {
    this.#showEmpty();
    const started = this.run.state?.run.started ?? null;
    if (started === null) return;
    if (this.memory.get("started", started) !== started) this.#forgetOldRun();
    this.memory.set("started", started);
  }

  /** Another run was begun in the same folder: what was picked in the old one means nothing in it. */
  #forgetOldRun() {
    this.tools.clear();
    this.viewer.select(null);
    this.viewer.set({ clip: null });
    this.timeline.toEnd();
    this.notices.say("The run was begun anew: measurements, marks and the selection of the old one are gone.");
  }

  #showEmpty() {
    const words = emptyWords(this.run.state);
    this.empty.hidden = words === null;
    if (words !== null) this.empty.textContent = words;
  }

  #selected(row) {
    this.frame.show(row);
    this.marks.showFrame(row);
    if (row !== null && this.tabs.current !== "marks" && this.tools.mode === null)
      this.tabs.open("frame", this.tabs.isDrawn || !this.timeline.playing);
  }

  #toolsChanged() {
    this.measure.show();
    this.marks.show();
    this.tools.overlay.draw();
  }

  #movedInTime(row, playing) {
    if (!playing && this.frame.row !== null) this.frame.show(row);
  }

  #showAdvice(advice) {
    const [first, last] = advice.frames;
    this.timeline.moveTo(advice.from_s);
    this.look.frames(first, last);
    this.viewer.select(first);
    this.tabs.open("advice");
  }

  select(row) {
    this.viewer.select(row);
    this.look.frames(row, row);
  }

  async screenshot() {
    const name = (this.run.state?.run.name ?? "run").replace(/[^\w.-]+/g, "_");
    download(await this.viewer.capture(), `${name}.png`);
  }

  #measure(kind) {
    this.tabs.open("measure", true);
    this.measure.start(kind);
  }

  #colour() {
    const names = MODES.map(([name]) => name);
    this.viewer.set({ colour: names[(names.indexOf(this.viewer.settings.colour) + 1) % names.length] });
  }

  #cancel() {
    if (this.tools.mode !== null) this.tools.cancel();
    else if (this.run.lookedThrough !== null) this.viewer.lookThrough(null);
    else this.viewer.select(null);
  }

  /** @returns {import("./keys.js").Shortcut[]} */
  #shortcuts() {
    const lookThrough = () => this.frame.row !== null && this.viewer.lookThrough(this.frame.row);
    return [
      { key: " ", name: "space", text: "play or pause the drive", deed: () => this.timeline.toggle() },
      { key: "[", name: "[", text: "previous frame", deed: () => this.frame.step(-1) },
      { key: "]", name: "]", text: "next frame", deed: () => this.frame.step(1) },
      { key: "l", name: "L", text: "look through the selected camera", deed: lookThrough },
      {
        key: "f",
        name: "F",
        text: "ride along with the camera",
        deed: () => this.timeline.setFollow(!this.viewer.settings.follow),
      },
      { key: "0", name: "0", text: "the whole scene", deed: () => this.look.whole() },
      { key: "1", name: "1", text: "from above", deed: () => this.look.fromAbove() },
      { key: "2", name: "2", text: "from the side", deed: () => this.look.fromSide() },
      { key: "c", name: "C", text: "next colours", deed: () => this.#colour() },
      { key: "m", name: "M", text: "measure a distance", deed: () => this.#measure("distance") },
      { key: "r", name: "R", text: "measure an area", deed: () => this.#measure("area") },
      {
        key: "g",
        name: "G",
        text: "mark a point for gcp_list.txt",
        deed: () => (this.tabs.open("marks", true), this.tools.begin("mark")),
      },
      {
        key: "Enter",
        name: "Enter",
        text: "finish the area",
        deed: () => this.tools.mode === "area" && this.measure.act("finish"),
      },
      {
        key: "Backspace",
        name: "Backspace",
        text: "take the last point back",
        deed: () => this.tools.mode !== null && this.measure.act("undo"),
      },
      { key: "Escape", name: "Esc", text: "leave the tool, the camera, or the frame", deed: () => this.#cancel() },
      { key: "p", name: "P", text: "save the picture as PNG", deed: () => this.screenshot() },
      { key: "?", name: "?", text: "this help", deed: () => this.help.open() },
    ];
  }
}
