using System.Globalization;
using Serval.Controllers.Serving;

namespace Serval.Controllers.Tests.Serving;

/// <summary>
/// How traffic moves to a new revision (knative/serving: reconciler/route/traffic/rollout). A state is written as <c>c r1:60 r2:40; c@tag r1:99 r2:1</c>.
/// </summary>
public sealed class RolloutTests
{
    private const long Second = 1_000_000_000;
    private const long Start = 1_767_268_800 * Second;

    /// <param name="percent">The target's share.</param>
    /// <param name="seconds">The rollout's duration.</param>
    /// <param name="first">Milliseconds until the gateway has the first percent.</param>
    /// <param name="every">Milliseconds from step to step.</param>
    /// <param name="shares">The new revision's share with each step.</param>
    [Theory]
    [InlineData(100, 4, 300, 1000, "1 34 67 100")]
    [InlineData(100, 60, 20_000, 20_000, "1 51 100")]
    [InlineData(100, 60, 2_000, 2_000, "1 4 7 10 13 16 19 22 25 28 31 34 37 40 43 46 49 52 55 58 61 64 67 70 73 76 79 82 85 88 91 94 97 100")]
    [InlineData(100, 10, 30_000, 1000, "1 100")]
    [InlineData(100, 1, 0, 1000, "1 100")]
    [InlineData(5, 9, 0, 2000, "1 2 3 4 5")]
    [InlineData(2, 60, 0, 59_000, "1 2")]
    [InlineData(1, 60, 0, 0, "1")]
    public void NewRevision_GetsItsShareInEqualSteps(int percent, int seconds, int first, int every, string shares)
    {
        var goal = State($"c r2:{percent}");
        var now = Start;
        var state = goal.Step(State($"c r1:{percent}"), now);
        var seen = new List<int> { Newest(state) };
        now += first * 1_000_000L;
        state = state.Observe(now, TimeSpan.FromSeconds(seconds));
        while (state.Next(now) is { } wait)
        {
            Assert.Equal(every, Math.Round(wait.TotalMilliseconds));
            Assert.Equal(Show(state), Show(goal.Step(state, now))); // not before it is due
            now += (long)wait.TotalMilliseconds * 1_000_000 + 1_000_000;
            state = goal.Step(state, now);
            seen.Add(Newest(state));
        }
        Assert.Equal(shares, string.Join(' ', seen));
        Assert.Equal($"c r2:{percent}", Show(state));
    }

    [Fact]
    public void FullMinute_TakesNoLonger()
    {
        var goal = State("c r2:100");
        var now = Start;
        var state = goal.Step(State("c r1:100"), now).Observe(now, TimeSpan.FromMinutes(1));
        Assert.Equal("c r1:99 r2:1", Show(state));
        state = goal.Step(state, now + Second);
        Assert.Equal("c r1:97 r2:3", Show(state));
        for (now = Start + Second; !state.IsDone; now += Second)
        {
            state = goal.Step(state, now);
        }
        Assert.InRange(now - Start, 45 * Second, 60 * Second);
    }

    [Theory]
    [InlineData("c r1:100", "c r1:100", "c r1:100")]
    [InlineData("c r1:60 r2:40", "c r3:100", "c r1:60 r2:39 r3:1")] // the newest gives first
    [InlineData("c r1:99 r2:1", "c r3:100", "c r1:99 r3:1")]
    [InlineData("c r1:60 r2:40", "c r1:100", "c r2:40 r1:60")] // back again: goes on with what it has
    [InlineData("c r1:60 r2:40", "c r2:30", "c r2:30")] // the oldest lose first
    [InlineData("c r1:60 r2:40", "c r2:70", "c r1:30 r2:40")]
    [InlineData("c r1:30 r2:20", "c r2:90", "c r1:30 r2:60")] // the newest gets more
    [InlineData("c r1:10", "c r2:90", "c r1:89 r2:1")]
    [InlineData("c r1:90", "c r2:10", "c r1:9 r2:1")]
    [InlineData("c r1:50 r2:30 r3:20", "c r4:25", "c r2:5 r3:19 r4:1")]
    [InlineData("c r1:50", "c r2:1", "c r2:1")]
    [InlineData("c r1:50; d r1:50", "c r2:50; e r1:50", "c r1:49 r2:1; e r1:50")] // a configuration that is new, one that is gone
    [InlineData("c r1:100", "c r2:100; c@t r2:100", "c r1:99 r2:1; c@t r2:100")] // a new tag has no one to take over from
    [InlineData("c r1:100; c@t r1:100", "c r2:100; c@t r2:100", "c r1:99 r2:1; c@t r1:99 r2:1")]
    [InlineData("c@t r1:100", "c r2:50; d r1:50", "c r2:50; d r1:50")]
    public void Step_StartsFromWhatWasInForce(string before, string goal, string after) =>
        Assert.Equal(after, Show(State(goal).Step(State(before), Start)));

    [Fact]
    public void SecondRevision_InTheMiddle_DrainsTheFirstBeforeTheOldOne()
    {
        var state = State("c r3:100").Step(State("c r1:60 r2:40"), Start).Observe(Start, TimeSpan.FromSeconds(5));
        var seen = new List<string>();
        for (var now = Start; !state.IsDone; now += Second)
        {
            state = State("c r3:100").Step(state, now);
            seen.Add(Show(state));
        }
        Assert.Equal(
            ["c r1:60 r2:39 r3:1", "c r1:60 r2:14 r3:26", "c r1:49 r3:51", "c r1:24 r3:76", "c r3:100"], seen);
    }

    [Fact]
    public void TargetThatShrinksBelowAStep_StillStepsToItsEnd()
    {
        var state = State("c r2:100").Step(State("c r1:100"), Start).Observe(Start, TimeSpan.FromSeconds(4));
        state = RolloutText.Read(RolloutText.Write(State("c r2:10").Step(state, Start)))!;
        Assert.Equal("c r1:9 r2:1", Show(state));
        Assert.Equal("c r2:10", Show(State("c r2:10").Step(state, Start + Second)));
    }

    [Fact]
    public void ClockSetBack_WaitsAStepAndNoLonger_ClockSetForward_MakesOneStep()
    {
        var goal = State("c r2:100");
        var state = goal.Step(State("c r1:100"), Start).Observe(Start, TimeSpan.FromMinutes(1));
        var day = 24 * 3600 * Second;
        state = goal.Step(state, Start - day);
        Assert.Equal("c r1:99 r2:1", Show(state));
        Assert.Equal(1, Math.Round(state.Next(Start - day)!.Value.TotalSeconds));
        state = goal.Step(state, Start + day);
        Assert.Equal("c r1:97 r2:3", Show(state));
        Assert.Equal(1, Math.Round(state.Next(Start + day)!.Value.TotalSeconds));
    }

    [Fact]
    public void RevisionThatIsGone_LeavesItsShareToTheNewest()
    {
        var before = State("c r1:60 r2:40");
        Assert.Equal("c r2:100", Show(State("c r2:100").Step(before.Without(r => r == "r1"), Start)));
        Assert.Equal("c r1:99 r3:1", Show(State("c r3:100").Step(before.Without(r => r == "r2"), Start)));
        Assert.Equal("c r3:100", Show(State("c r3:100").Step(before.Without(_ => true), Start)));
    }

    [Fact]
    public void Text_IsKnatives()
    {
        var state = State("c r2:100; c@t r2:100").Step(State("c r1:100; c@t r2:100"), Start).Observe(Start, TimeSpan.FromMinutes(1));
        var text = RolloutText.Write(state);
        Assert.Equal(
            """
            {"configurations":[{"configurationName":"c","percent":100,"revisions":[{"revisionName":"r1","percent":99},{"revisionName":"r2","percent":1}],
            "stepParams":{"starttime":1767268800000000000,"nextStepTime":1767268801000000000,"stepDuration":1000000000,"stepSize":2}},
            {"configurationName":"c","tag":"t","percent":100,"revisions":[{"revisionName":"r2","percent":100}],"stepParams":{}}]}
            """.ReplaceLineEndings(""), text);
        Assert.Equal(text, RolloutText.Write(RolloutText.Read(text)!));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{")]
    [InlineData("""{"configurations":null}""")]
    [InlineData("""{"configurations":[null]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":100,"revisions":null,"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":null,"percent":100,"revisions":[{"revisionName":"r","percent":100}],"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":100,"revisions":[null],"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":100,"revisions":[{"percent":100}],"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":100,"revisions":[],"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":100,"revisions":[{"revisionName":"r","percent":99}],"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":101,"revisions":[{"revisionName":"r","percent":101}],"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":10,"revisions":[{"revisionName":"r","percent":20},{"revisionName":"s","percent":-10}],"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":2,"revisions":[{"revisionName":"r","percent":1},{"revisionName":"r","percent":1}],"stepParams":{}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":10,"revisions":[{"revisionName":"r","percent":10}],"stepParams":{"stepSize":11}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":10,"revisions":[{"revisionName":"r","percent":10}],"stepParams":{"stepDuration":-1}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":10,"revisions":[{"revisionName":"r","percent":10}],"stepParams":{"stepDuration":9223372036854775807}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":10,"revisions":[{"revisionName":"r","percent":10}],"stepParams":{"starttime":1.5}}]}""")]
    [InlineData("""{"configurations":[{"configurationName":"c","percent":"10","revisions":[{"revisionName":"r","percent":10}],"stepParams":{}}]}""")]
    public void TextThatMakesNoSense_IsNoState(string? text) => Assert.Null(RolloutText.Read(text));

    /// <summary>
    /// Whatever comes (revisions, percentages, clocks that jump, revisions that vanish, a gateway that is slow), shares add up, the newest revision never
    /// loses, and in the end it has everything.
    /// </summary>
    [Fact]
    public void AnyHistory_AddsUp_AndEnds()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var world = new History(random);
            for (var i = 0; i < 120; i++)
            {
                world.Act();
                Assert.True(world.Check() is not { } wrong, $"seed {seed}, act {i}: {world.Check()}");
            }
            var steps = world.Finish();
            Assert.True(steps <= 200 && world.Check() is null, $"seed {seed}: {steps} steps, {world.Check()}");
        }
    }

    internal static Rollout State(string text) => new(
    [
        .. text.Split("; ").Select(c => c.Split(' ')).Select(c => new ConfigurationRollout
        {
            ConfigurationName = c[0].Split('@')[0],
            Tag = c[0].Split('@').ElementAtOrDefault(1),
            Percent = c.Skip(1).Sum(r => Percent(r)),
            Revisions = [.. c.Skip(1).Select(r => new RevisionShare(r.Split(':')[0], Percent(r)))],
        }),
    ]);

    internal static string Show(Rollout state) => string.Join("; ", state.Configurations.Select(c =>
        $"{c.ConfigurationName}{(c.Tag is null ? "" : "@" + c.Tag)} {string.Join(' ', c.Revisions.Select(r => $"{r.RevisionName}:{r.Percent}"))}"));

    private static int Percent(string revision) => int.Parse(revision.Split(':')[1], CultureInfo.InvariantCulture);

    private static int Newest(Rollout state) => state.Configurations[0].Revisions[^1].Percent;

    /// <summary>A route with two configurations and a tag, as a controller would run it.</summary>
    private sealed class History(Random random)
    {
        private readonly TimeSpan _duration = TimeSpan.FromSeconds(random.Next(1, 200));
        private long _now = Start;
        private int _percent = 100;
        private int _revision = 1;
        private bool _isForced;
        private Rollout _before = State("c r1:100; c@t r1:100");
        private Rollout _state = State("c r1:100; c@t r1:100");

        private Rollout Goal => State($"c r{_revision}:{_percent}{(_percent < 100 ? $"; d r1:{100 - _percent}" : "")}; c@t r{_revision}:100");

        public void Act()
        {
            _before = _state;
            _isForced = false;
            switch (random.Next(10))
            {
                case 0:
                    (_revision, _isForced) = (Math.Max(1, _revision + random.Next(-1, 2)), true);
                    break;
                case 1:
                    (_percent, _isForced) = (random.Next(1, 101), true);
                    break;
                case 2:
                    _now = Math.Max(1, _now + (random.Next(-100_000, 100_000) * Second));
                    break;
                case 3:
                    var gone = $"r{random.Next(1, _revision + 1)}";
                    (_state, _isForced) = (_state.Without(r => r == gone && random.Next(2) == 0), true);
                    break;
                case 4:
                    _state = _state.Observe(_now, _duration);
                    break;
                default:
                    _now += random.Next(3_000) * 1_000_000L;
                    break;
            }
            Run();
        }

        /// <summary>Nothing more happens: how many steps until all is at its end.</summary>
        public int Finish()
        {
            var steps = 0;
            for (Run(); !_state.IsDone && steps < 1000; steps++)
            {
                _state = _state.Observe(_now, _duration);
                _now += _state.Next(_now)!.Value.Ticks * 100;
                Run();
            }
            Assert.Equal(Show(Goal), Show(_state));
            return steps;
        }

        public string? Check()
        {
            var goal = Goal;
            foreach (var wanted in goal.Configurations)
            {
                if (_state.Find(wanted.Tag ?? "", wanted.ConfigurationName) is not { IsSound: true } found || found.Percent != wanted.Percent)
                {
                    return $"{Show(_state)} is not sound for {Show(goal)}";
                }
                var newest = wanted.Revisions[0].RevisionName;
                var had = _before.Find(wanted.Tag ?? "", wanted.ConfigurationName)?.Revisions.LastOrDefault(r => r.RevisionName == newest).Percent ?? 0;
                if (found.Revisions[^1].RevisionName != newest || !_isForced && found.Revisions[^1].Percent < had)
                {
                    return $"{newest} had {had} in {Show(_before)} and lost in {Show(_state)}";
                }
            }
            var sum = _state.Configurations.Where(c => c.Tag is null).Sum(c => c.Percent);
            return sum == 100 && _state.Configurations.Count == goal.Configurations.Count ? null : $"{Show(_state)} adds up to {sum}";
        }

        /// <summary>As the Ingress keeps it: as text.</summary>
        private void Run() => _state = RolloutText.Read(RolloutText.Write(Goal.Step(_state, _now)))!;
    }
}
