*** Settings ***
Documentation     Links of clients are cut, slowed down and healed, and it is seen; without, nothing happens.

Library           WaybillLibrary.Links
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    faulty_links=True
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
A connection is cut in the middle of a send and the retry settles it
    Connect People    alice and bob
    FOR    ${ending}    IN    RESET    FIN
        Cut Link    alice    after=100    ending=${ending}
        Send Messages    alice    bob    count=3
        Heal Links    alice
        Wait Until Cut Off    alice
        Come Back And Retry    alice
    END
    Check History
    Figure Should Be    cut_points    2

Whoever was not cut off is waited for in vain
    Connect People    alice and bob
    Run Keyword And Expect Error    DeadlinePassed: the connection is gone, but alice/phone is still *
    ...    Wait Until Cut Off    alice    deadline=100ms
    Send Messages    alice    bob    count=1
    Check History

A connection is cut in the middle of an answer and the retry settles it
    Connect People    alice and bob
    Cut Link    alice    after=10    way=FROM
    Send Messages    alice    bob    count=1
    Heal Links
    Wait Until Cut Off    alice
    Come Back And Retry    alice
    Check History
    Figure Should Be    cut_points    1
    Figure Should Be    retries    1

A connection is cut on a frame
    Connect People    alice and bob
    Cut Link On Frame    alice    frame=2
    Send One By One    alice    bob    count=3
    Heal Links    alice
    Wait Until Cut Off    alice
    Come Back And Retry    alice
    Check History
    Figure Should Be    cut_points    1

Links are late, jitter and slow, and nothing is lost
    Connect People    alice and bob
    Delay Link    alice    delay=30ms
    Delay Link    bob    delay=0s    jitter=30ms    way=FROM
    Slow Link Down    alice    rate=20000    way=FROM
    Send Messages    alice    bob    count=5
    Wait Until Acknowledged
    Wait For Deliveries    bob
    Heal Links
    Connection Should Have Lasted    alice and bob
    Check History
    Figure Should Be    faults    3

A stalled link holds everything back until it is healed
    Connect People    alice and bob
    Stall Link    alice
    Send Messages    alice    bob    count=5
    Run Keyword And Expect Error    DeadlinePassed: *    Wait Until Acknowledged    deadline=300ms
    Heal Links    alice
    Wait For Deliveries    bob    count=5
    Connection Should Have Lasted    alice and bob
    Retry Messages    alice    which=UNKNOWN
    Check History
    Figure Should Be    faults    1

A link that is dead one way loses the answers and not the sends
    Connect People    alice and bob
    Drop On Link    alice    way=FROM
    Send Messages    alice    bob    count=5
    Wait For Deliveries    bob    count=5
    Run Keyword And Expect Error    DeadlinePassed: *    Wait Until Acknowledged    deadline=300ms
    Heal Links    alice
    Wait Until Cut Off    alice
    Come Back And Retry    alice
    Check History
    Figure Should Be    faults    1
    Figure Should Be    retries    5

A turned bit ends the connection and changes no message
    Connect People    alice and bob
    Flip Bit On Link    alice    after=20
    Send Messages    alice    bob    count=1
    Heal Links    alice
    Wait Until Cut Off    alice
    Come Back And Retry    alice
    Check History
    Figure Should Be    faults    1

A black hole takes connections and gives none
    Connect People    alice and bob
    Disconnect People    alice
    Swallow Connections    alice
    Connecting Should Fail    alice    deadline=300ms
    Heal Links    alice
    Reconnect People    alice
    Run Keyword And Expect Error    Expected that alice gets no session; alice is connected.
    ...    Connecting Should Be Refused Now    alice
    Send Messages    alice    bob    count=1
    Check History
    Figure Should Be    faults    1

Nobody else notices
    Connect People    alice, bob and carol
    Stall Link    alice
    Send Messages    alice    bob    count=1
    Send Messages    carol    bob    count=5
    Wait For Deliveries    bob    count=5
    Heal Links    alice
    Check History

Links that nothing is wrong with change nothing
    Connect People    alice and bob
    Send Messages    alice    bob    count=50
    Wait Until Acknowledged
    Wait For Deliveries    bob
    Connection Should Have Lasted    alice and bob
    Check History
    Figure Should Be    faults    0
    Figure Should Be    retries    0

A fault that nothing met shows nothing
    Connect People    alice and bob
    Send Messages    alice    bob    count=1
    Wait Until Acknowledged
    Wait For Deliveries    bob
    Cut Link    alice    after=100000
    Run Keyword And Expect Error    FaultWithoutEffect: Nothing met these faults within 0.1 s*cut on alice/phone->node*
    ...    Heal Links    alice    deadline=100ms
    Run Keyword And Expect Error    vacuous (1): the fault cut on alice/phone->node was never seen to have an effect
    ...    Check History
    Figure Should Be    cut_points    0

A fault that nobody healed must have been met as well
    Connect People    alice and bob
    Send Messages    alice    bob    count=1
    Wait Until Acknowledged
    Flip Bit On Link    alice    after=100000
    Run Keyword And Expect Error    FaultWithoutEffect: *bit-flip on alice/phone->node*
    ...    Check History    deadline=100ms

A sound link is not healed
    Connect People    alice and bob
    Run Keyword And Expect Error    ValueError: Nothing is wrong with the links of alice/phone*    Heal Links    alice

A target that was not started for it says so
    End Scenario
    Stop Target
    Start
    Begin
    Connect People    alice and bob
    Run Keyword And Expect Error    MeansMissing: Links to reference cannot be disturbed: it was not started for that*
    ...    Stall Link    alice


*** Keywords ***
Come Back And Retry
    [Documentation]    What clients do after a loss.
    [Arguments]    ${person}
    Reconnect Everybody
    Retry Messages    ${person}    which=UNKNOWN
    Wait Until Acknowledged

Connecting Should Be Refused Now
    [Documentation]    The check of the black hole must be able to fail.
    [Arguments]    ${person}
    Disconnect People    ${person}
    Connecting Should Fail    ${person}

Send One By One
    [Documentation]    Each message when the one before it is answered, until the connection is gone.
    [Arguments]    ${sender}    ${receiver}    ${count}
    FOR    ${_}    IN RANGE    ${count}
        Send Messages    ${sender}    ${receiver}    count=1
        TRY
            Wait Until Acknowledged
        EXCEPT    NotAcknowledged: *    type=GLOB
            BREAK
        END
    END
