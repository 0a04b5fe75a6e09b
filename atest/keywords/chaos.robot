*** Settings ***
Documentation     Schedules of faults are followed, drawn, and refused.

Library           WaybillLibrary.Chaos
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    faulty_disk=True    faulty_links=True
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      120 seconds


*** Variables ***
${PROCESS}    5 kill@node 5/40, 5 power-loss@node&clock-step@machine 5/40, 5 pause@node&stall@bob/phone 0/40
${DISK}       5 disk-full@node 5/40, 5 write-error@node 5/40, 5 sync-error@node&cut@alice/phone 5/40
${REST}       5 read-only@node 0/40, 5 file-handles@node 5/40, 5 delay@alice/phone 5/40


*** Test Cases ***
Every kind of fault is followed, also two at once
    Connect People    alice, bob and dave
    Disconnect People    dave
    Follow Schedule    ${PROCESS}, ${DISK}, ${REST}
    Check History

What the seed draws is followed
    Connect People    alice and bob
    Follow Schedule    faults=3    messages=150
    Check History

A schedule with what cannot be done is refused
    Connect People    alice and bob
    Run Keyword And Expect Error
    ...    ScheduleError: The schedule has kill@south, which cannot be done here. Possible: kill at node; *
    ...    Follow Schedule    5 kill@south 5/40
    Check History

A fault that nothing meets makes the history vacuous
    [Documentation]    Alice writes to herself alone: what others report of having received is written late, and meets
    ...    a fault that begins with the last acknowledgement.
    Connect People    alice
    Follow Schedule    5 disk-full@node 20/20
    Run Keyword And Expect Error    vacuous*    Check History

Too few kinds of faults are no chaos
    End Scenario
    Stop Target
    Start
    Begin
    Connect People    alice and bob
    Run Keyword And Expect Error    MeansMissing: Only 2 kinds of faults can be done to *, and chaos takes 3: *
    ...    Follow Schedule
