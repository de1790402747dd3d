// The limiter of npm's `rate-limiter-flexible` on a clock of its own, for tests/load/sms.py. It hands over as fast as the
// limiter allows, and the worker stops now and then: the argument has the times and lengths of the pauses.
const pauses = JSON.parse(process.argv[2]);
let now = 1_750_000_000_000;
const RealDate = Date;
global.Date = class extends RealDate {
  constructor(...given) { if (given.length) super(...given); else super(now); }
  static now() { return now; }
};
const { RateLimiterMemory } = require('rate-limiter-flexible');
(async () => {
  const limiter = new RateLimiterMemory({ points: 600, duration: 60 });
  const begun = [], start = now;
  while (now < start + 600_000) {
    if (pauses.length && now >= start + pauses[0][0]) { now += pauses.shift()[1]; continue; }
    try { await limiter.consume('campaign'); begun.push((now - start) / 1000); now += 10; }
    catch (refused) { now += Math.max(1, refused.msBeforeNext); }
  }
  console.log(JSON.stringify(begun));
  process.exit(0);
})();
