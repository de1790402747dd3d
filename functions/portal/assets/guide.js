// A guide: adds a button that copies each block of code.
import { copyButton } from "./dom.js";

for (const block of document.querySelectorAll(".snippet-code")) {
  block.append(copyButton(block.querySelector("code").textContent, "the code"));
}
