// What Khronos' validator says of GLB files: counts of errors and warnings, and the messages.
const fs = require("fs");
const validator = require("gltf-validator");

(async () => {
  const found = {};
  for (const path of process.argv.slice(2)) {
    const report = await validator.validateBytes(new Uint8Array(fs.readFileSync(path)), { maxIssues: 20 });
    found[path] = {
      errors: report.issues.numErrors,
      warnings: report.issues.numWarnings,
      messages: report.issues.messages.filter((each) => each.severity < 2).map((each) => `${each.code} ${each.pointer}`),
    };
  }
  console.log(JSON.stringify(found));
})();
