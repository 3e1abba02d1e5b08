using Serval.Api.Batch;

namespace Serval.Api.Tests.Core;

/// <summary>Schedules as github.com/robfig/cron/v3 reads them, and zones.</summary>
public sealed class CronTextTests
{
    [Theory]
    [InlineData("* * * * *", null)]
    [InlineData("0,30 8-18/2 1-7 JAN-jun mon-FRI", null)]
    [InlineData("*/15 ? * * 0", null)]
    [InlineData("5/10 * * * *", null)]
    [InlineData("@hourly", null)]
    [InlineData("@every 1h30m", null)]
    [InlineData("TZ=UTC 0 0 * * *", null)]
    [InlineData("", "empty spec string")]
    [InlineData("x", "expected exactly 5 fields, found 1: [x]")]
    [InlineData("0 * * * * *", "expected exactly 5 fields, found 6: [0 * * * * *]")]
    [InlineData("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax")]
    [InlineData("99999999999 * * * *", "failed to parse int from 99999999999: strconv.Atoi: parsing \"99999999999\": value out of range")]
    [InlineData("60 * * * *", "end of range (60) above maximum (59): 60")]
    [InlineData("* * 0 * *", "beginning of range (0) below minimum (1): 0")]
    [InlineData("9-5 * * * *", "beginning of range (9) beyond end of range (5): 9-5")]
    [InlineData("1-2-3 * * * *", "too many hyphens: 1-2-3")]
    [InlineData("*/1/2 * * * *", "too many slashes: */1/2")]
    [InlineData("*/0 * * * *", "step of range should be a positive number: */0")]
    [InlineData("@often", "unrecognized descriptor: @often")]
    [InlineData("@every x", "failed to parse duration x: time: invalid duration \"x\"")]
    [InlineData("TZ=UTC", "invalid schedule: there is nothing after the time zone")]
    public void Schedule(string schedule, string? wrong) => Assert.Equal(wrong, CronText.Complaint(schedule));

    [Theory]
    [InlineData("UTC", null)]
    [InlineData("", "timeZone must be nil or non-empty string")]
    [InlineData("local", "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")]
    [InlineData("a/../b", "unknown time zone a/../b")]
    [InlineData("a b", "unknown time zone a b")]
    public void Zone(string zone, string? wrong) => Assert.Equal(wrong, CronText.WrongZone(zone));

    /// <summary>Where the machine knows zones at all, one that it does not know is refused.</summary>
    [Fact]
    public void Zone_NobodyHas_IsUnknown() =>
        Assert.Equal(TimeZoneInfo.TryFindSystemTimeZoneById("Europe/London", out _) ? "unknown time zone Mars/X" : null, CronText.WrongZone("Mars/X"));
}
