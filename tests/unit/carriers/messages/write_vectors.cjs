// Writes segments.json: 5,600 texts, with the segments that npm's sms-segments-calculator counts.
//
//   npm install --no-save sms-segments-calculator@1.3.0 && node tests/unit/carriers/messages/write_vectors.cjs
//
// A text is a list of pieces, each repeated: "3*46 5*2" is piece 3 46 times, then piece 5 twice. After the text stand
// G (GSM-7) or U (UCS-2) and the number of segments. The lengths gather around the ends of segments.

const fs = require("node:fs");
const path = require("node:path");
const { SegmentedMessage } = require("sms-segments-calculator");

let state = 14;
function below(limit) {
  // A small generator of our own (mulberry32): every run writes the same file.
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
}
const pick = (list) => list[below(list.length)];

const GSM = ["a", "Z", " ", "0", "é", "ß", "Ω", "@", "\n", "\r", "\r\n", "¿", "Ç", "hello ", "Your order is ready. "];
const EXTENDED = ["€", "[", "]", "{", "}", "^", "~", "|", "\\", "\f"];
const WIDE = ["ç", "ł", "—", "“", "”", "…", "ő", "ё", "привет", "你", "好", "مرحبا", "שלום", "か", "ท", "`", "\t", "\u00a0"];
const PAIRS = ["😀", "🎉", "👍", "𝒜", "𠜎", "🦀"];
const JOINED = ["e\u0301", "n\u0303", "👍🏽", "👋🏿", "🇺🇸", "🇲🇽", "❤️", "1️⃣", "각", "नि", "ก็", "👨‍👩‍👧‍👦", "👩‍❤️‍👨"];
const PIECES = [...GSM, ...EXTENDED, ...WIDE, ...PAIRS, ...JOINED];
const MIXES = [[GSM], [GSM, EXTENDED], [EXTENDED], [GSM, WIDE], [WIDE, PAIRS], [GSM, PAIRS], [GSM, WIDE, JOINED]];
const EDGES = [0, 1, 66, 67, 68, 70, 71, 133, 134, 135, 152, 153, 154, 159, 160, 161, 201, 305, 306, 307, 459, 612];

const texts = [];
for (let number = 0; number < 5600; number += 1) {
  const length = Math.max(0, pick(EDGES) + below(7) - 3);
  const runs = [];
  let text = "";
  while (text.length < length) {
    const piece = pick(pick(MIXES[number % MIXES.length]));
    const times = Math.max(1, Math.min(1 + below(90), Math.floor((length - text.length) / piece.length)));
    runs.push(`${PIECES.indexOf(piece)}*${times}`);
    text += piece.repeat(times);
  }
  const counted = new SegmentedMessage(text);
  texts.push(`${runs.join(" ")}|${counted.encodingName[0]}${counted.segmentsCount}`);
}
fs.writeFileSync(path.join(__dirname, "segments.json"), JSON.stringify({ pieces: PIECES, texts }, null, 1) + "\n");
